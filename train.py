"""Train a small VGG-style network on the shuffled faces, report how good it is, export it for the webcam.

    python train.py [--quick] [--resume]          train, report, export
    python train.py --dry-run                     every step on a few hundred faces, into data/model-dry-run
    python train.py --evaluate [--out pretrained] report on a trained network, write nothing
    python train.py --export                      only emotion.keras -> emotion.tflite (this needs TensorFlow)

Reads   data/shuffled, data/split/val         faces to train on, and to choose epoch and temperature by
        data/faces/test                       faces held back for the report alone, where the folder is there
        data/faces/votes.csv                  FER+'s votes: soft targets and the labels by both rules, if it is there
Writes  data/model/emotion.keras, labels.txt  the network; its emotions, in the order of its outputs
        data/model/emotion.tflite             the same network for cv2.dnn
        data/model/metrics.json, training_log.csv, training_curves.png, confusion_matrix.png, reliability.png

Scaling is the network's own: it takes gray values from 0 to 255. Any backend of Keras trains it, as KERAS_BACKEND=jax
or torch. Takes about 2 minutes an epoch of 86,205 faces on two cores of 2024, 2 hours in all; --quick 10 minutes.
"""

import argparse
import hashlib
import json
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common.command_line import run
from common.console import progress, quiet
from common.errors import fail
from dataset.images import FACE_SIZE, count, list_images, open_face
from dataset.stage import new_folder, recover, refuse_strangers, write_stage
from network.augmentation import batches
from network.recipe import QUICK_EPOCHS, Recipe

SCRIPT = Path(__file__).name
MOMENTUM = 0.95  # Muon's
BINS = 15  # of the reliability diagram and the calibration error
DRY_RUN_FACES = 40  # per emotion
AGREEMENT = 1e-3  # most by which Keras and cv2.dnn may differ in a probability
LOG = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
# What a resumed run may not change
RECIPE = ["epochs", "batch_size", "learning_rate", "labels", "loss", "seed", "bfloat16"]
DEFAULTS = Recipe()
MADE_BY = {"train": "random_shuffle.py", "val": "random_split.py", "test": "data_preprocessing.py"}


def row_number(path: Path) -> int | None:
    """Return the row of both CSVs that an image's name carries (`00001_row12345_contrast.png`: 12345), else None."""
    found = re.search(r"(?:^|_)row(\d+)(?=[_.])", path.name)
    return int(found.group(1)) if found else None


@dataclass
class Faces:
    """Images, uint8 (n, 48, 48, 1); labels, int (n,), the folders' emotions by number; files; images per emotion."""

    images: np.ndarray
    labels: np.ndarray
    paths: list[Path]
    counts: dict[str, int]


def digest(*arrays: np.ndarray) -> str:
    """Return what tells these arrays from others."""
    return hashlib.sha256(b"".join(hashlib.sha256(array).digest() for array in arrays)).hexdigest()


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:150]


def import_libraries() -> None:
    """Load what takes seconds once the input is known to be good, and before hours of training need it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["MPLBACKEND"] = "agg"  # no window, and no failure of another backend's
    try:
        with quiet():
            import cv2  # noqa: F401
            import keras  # noqa: F401
            import matplotlib
            import seaborn  # noqa: F401
            import sklearn.metrics  # noqa: F401
        matplotlib.rcParams["text.parse_math"] = False  # a folder's name is no formula
    except (ImportError, ValueError) as error:  # ValueError: a KERAS_BACKEND that is none
        fail(f"a library can't be loaded ({first_line(error)}); run `pip install -r requirements.txt`")


def load_faces(images: dict[str, list[Path]], emotions: list[str], name: str) -> Faces:
    """Read every face of a set."""
    paths = [path for emotion in images.values() for path in emotion]
    labels = np.array([emotions.index(emotion) for emotion, group in images.items() for _ in group])
    pixels = np.empty((len(paths), FACE_SIZE, FACE_SIZE, 1), np.uint8)
    for index, path in enumerate(progress(paths, f"reading {name}")):
        pixels[index, :, :, 0] = open_face(path)
    return Faces(pixels, labels, paths, count(images))


def load_sets(args: argparse.Namespace, names: list[str], emotions: list[str] | None = None):
    """Return {name: Faces}, test only where its folder is there, and the emotions: the first set's sub-folders.

    Fails when val has other emotions than the network, or test has one that the network can't name.
    """
    sets = {}
    for name in (name for name in names if name != "test" or args.test.is_dir()):
        folder = getattr(args, name)
        images = list_images(folder, MADE_BY[name])
        emotions = emotions or list(images)
        strange = set(images) ^ set(emotions) if name == "val" else set(images) - set(emotions)
        if strange:
            what = f"its emotions differ from the network's by {', '.join(sorted(strange))}"
            fail(f"{folder}: {what}; make {', '.join(sets) or 'the network'} and {name} from the same faces")
        if args.dry_run:
            images = {emotion: paths[:DRY_RUN_FACES] for emotion, paths in images.items()}
        sets[name] = load_faces(images, emotions, name)
    return sets, emotions


def refuse_leaks(sets: dict[str, Faces], folder: Path) -> None:
    """Fail when a face to be judged by is a training face, or one that a training face is a copy of."""
    rows = {row_number(path) for path in sets["train"].paths} - {None}
    pixels = {image.tobytes() for image in sets["train"].images}
    for faces in (faces for name, faces in sets.items() if name != "train"):
        for path, image in zip(faces.paths, faces.images):
            if row_number(path) in rows or image.tobytes() in pixels:
                mend = "run contrast.py, sharpness.py and random_shuffle.py again, as after every random_split.py"
                fail(f"{path}: this face is in {folder} too, so it can't judge the network; {mend}")


def read_votes(path: Path) -> pd.DataFrame | None:
    """Return votes.csv with the row of both CSVs as its index, or None where the file is not there."""
    if not path.exists():
        return None
    try:
        votes = pd.read_csv(path, keep_default_na=False)
        votes.index = [row_number(Path(name)) for name in votes["image"]]
        counts = votes.drop(columns=["image", "usage", "plurality", "majority"]).to_numpy(float)
        if not votes.index.is_unique or not counts.size or not (counts >= 0).all():
            raise ValueError("an image twice, or votes that are none")
    except (ValueError, KeyError, TypeError, pd.errors.ParserError) as error:
        fail(f"{path}: not the votes.csv of data_preprocessing.py ({first_line(error)}); run that again")
    return votes


def soft_targets(faces: Faces, emotions: list[str], votes: pd.DataFrame | None) -> np.ndarray:
    """Return the shares of the votes, float32 (n, emotions): single votes, unknown and NF dropped, the sum 1.

    A face without votes, or in a folder that FER+ had no votes for, has its folder's emotion alone.
    """
    targets = np.eye(len(emotions), dtype=np.float32)[faces.labels]
    if votes is None:
        return targets
    rows = pd.Index([row_number(path) for path in faces.paths])
    shares = votes.reindex(index=rows, columns=emotions).to_numpy(np.float32)
    shares = np.where(shares > 1, shares, 0)  # NaN, a face or an emotion without votes, becomes 0 too
    total = shares.sum(axis=1, keepdims=True)
    voted_on = np.isin(emotions, votes.columns)[faces.labels][:, None]
    return np.where(voted_on & (total > 0), shares / np.maximum(total, 1), targets)


def lift_exposure(faces, recipe: Recipe):
    """Return faces of gray values (n, size, size, 1) with dim ones made brighter, up to `recipe.min_mean_gray`.

    Only dim ones: to bring every face to one mean costs about a point (benchmarks/ablation.md).
    """
    from keras import layers

    mean = layers.AveragePooling2D(recipe.face_size)(faces)
    missing = layers.ReLU()(layers.Rescaling(-1, offset=recipe.min_mean_gray)(mean))
    # The divisor is never 0, not for a black face either
    return faces / layers.Rescaling(-1 / (recipe.min_mean_gray + 1), offset=1)(missing)


def build_network(emotions: int, recipe: Recipe, lift=lift_exposure):
    """Return the network: gray values (n, size, size, 1) -> probabilities (n, emotions).

    Simonyan and Zisserman's VGG (arXiv:1409.1556) with batch normalisation, and global pooling for its
    dense layers.
    """
    import keras
    from keras import layers

    faces = keras.Input((recipe.face_size, recipe.face_size, 1))
    x = layers.Rescaling(1 / 127.5, offset=-1)(lift(faces, recipe))
    for block, filters in enumerate(recipe.filters):
        for number, n in enumerate(filters, start=1):
            x = layers.Conv2D(n, 3, padding="same", use_bias=False)(x)
            if number == len(filters) and block < len(recipe.filters) - 1:
                x = layers.MaxPooling2D()(x)  # before the two below, a quarter of whose work is then enough
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
    # A dense layer on pooled features, written as a 1x1 convolution before the pooling: the same sum, but cv2.dnn
    # (OpenCV 4.14) leaves out the bias of a dense layer that it reads from TFLite.
    x = layers.SpatialDropout2D(recipe.dropout)(x)
    x = layers.Conv2D(emotions, 1)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(faces, layers.Softmax(dtype="float32")(x), name="network")


def average_mirrored(network):
    """Return a network that gives the mean of what `network` makes of a face and of its mirror image.

    The mean of the scores before the softmax, taken before the pooling, since cv2.dnn adds axes to that of vectors. Nor
    can it reverse an axis: with the columns in the place of channels, a 1x1 convolution swaps each for its opposite.
    """
    import keras
    from keras import layers

    faces, size = keras.Input(network.input_shape[1:]), network.input_shape[1]
    columns = layers.Permute((1, 3, 2))(faces)
    reverse = layers.Conv2D(size, 1, use_bias=False, trainable=False)
    mirrored = layers.Permute((1, 3, 2))(reverse(columns))
    reverse.set_weights([np.eye(size)[None, None, ::-1]])
    scores = keras.Model(network.input, network.layers[-3].output, name="scores")
    mean = layers.GlobalAveragePooling2D()(layers.Average()([scores(faces), scores(mirrored)]))
    return keras.Model(faces, layers.Softmax()(mean), name="network")


def muon():
    """Return the optimizer class Muon: its own rule for the 3x3 kernels, AdamW's for all else, at one learning rate.

    Muon (Jordan et al. 2024) takes a kernel's momentum as a matrix and makes all its singular values about 1, so that
    rare directions are learned as fast as common ones. Its steps are scaled to AdamW's size (arXiv:2502.16982).
    Keras's own Muon, up to 3.15, leaves convolutions to AdamW.
    """
    import keras
    from keras import ops

    class Muon(keras.optimizers.AdamW):
        def update_step(self, gradient, variable, learning_rate):
            if len(variable.shape) < 4 or variable.shape[:2] == (1, 1):
                return super().update_step(gradient, variable, learning_rate)
            momentum = self._momentums[self._get_variable_index(variable)]
            self.assign(momentum, MOMENTUM * momentum + gradient)
            step = ops.reshape(gradient + MOMENTUM * momentum, (-1, variable.shape[-1]))
            step = ops.transpose(step)  # a row per filter: mostly the shorter side, which keeps the products small
            step = step / (ops.norm(step) + 1e-7)
            for _ in range(5):  # Newton and Schulz's iteration with Jordan's coefficients
                squared = step @ ops.transpose(step)
                step = 3.4445 * step + (-4.7750 * squared + 2.0315 * squared @ squared) @ step
            rate = 0.2 * math.sqrt(max(step.shape)) * ops.cast(learning_rate, variable.dtype)
            self.assign_sub(variable, rate * ops.reshape(ops.transpose(step), variable.shape))

    return Muon


def build_training(network, steps: int, recipe: Recipe, optimizer: Callable | None = None):
    """Return the network compiled to be trained, in a model of its own: the saved network has no optimizer.

    `optimizer` takes a learning rate and `weight_decay`; Muon without one.
    """
    import keras

    training = keras.Sequential([keras.Input(network.input_shape[1:]), network])
    warm_up = max(1, int(recipe.warm_up * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    losses = {"crossentropy": keras.losses.CategoricalCrossentropy, "focal": keras.losses.CategoricalFocalCrossentropy}
    optimizer = (optimizer or muon())(rate, weight_decay=recipe.weight_decay)
    training.compile(optimizer, losses[recipe.loss](), metrics=["accuracy"])
    return training


def best_epoch(log: list[dict]) -> int:
    """Return the epoch, counted from 1, of the highest validation accuracy, the first of equals; 0 before any."""
    accuracies = [epoch["val_accuracy"] for epoch in log]
    return accuracies.index(max(accuracies)) + 1 if log else 0


def train(
    faces: Faces, val: Faces, targets: np.ndarray, checkpoint: Path, recipe: Recipe, resume: bool, arguments: dict
) -> list[dict]:
    """Train, and leave the best epoch's network in `checkpoint/best.keras`; return the log, a dict per epoch.

    `arguments` stand in the checkpoint's stage.json. The checkpoint is replaced as a whole after every epoch: a run
    killed at any moment loses one epoch at most.
    """
    import keras

    log = []
    if resume and checkpoint.exists():
        try:
            log = pd.read_csv(checkpoint / "training_log.csv").to_dict("records")
            figures = [[float(epoch[name]) for name in LOG] for epoch in log]
            keras.utils.set_random_seed(recipe.seed + len(log))  # before the load: dropout draws its seed there
            training = keras.saving.load_model(checkpoint / "training.keras", custom_objects={"Muon": muon()})
            if training.optimizer is None or [int(epoch) for epoch, *_ in figures] != list(range(1, len(log) + 1)):
                raise ValueError("not the files of one run")
            print(f"resuming after epoch {len(log)}, best so far {log[best_epoch(log) - 1]['val_accuracy']:.3f}")
        except Exception as error:  # a broken file raises whatever its CSV, zip or HDF5 reader raises
            fail(f"{checkpoint}: can't be resumed ({first_line(error)}); start again without --resume")
    if not log:
        keras.utils.set_random_seed(recipe.seed)
        steps = recipe.epochs * math.ceil(len(targets) / recipe.batch_size)
        keras.config.set_dtype_policy("mixed_bfloat16" if recipe.bfloat16 else "float32")
        training = build_training(build_network(targets.shape[1], recipe), steps, recipe)

    def save_epoch(epoch: int, logs: dict) -> None:
        if not math.isfinite(logs["loss"]):
            fail(f"the training diverged in epoch {epoch + 1}; lower --learning-rate")
        log.append({"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}})
        with new_folder(checkpoint, SCRIPT) as new:
            training.save(new / "training.keras")
            if best_epoch(log) == len(log):
                training.get_layer("network").save(new / "best.keras")
            else:
                shutil.copyfile(checkpoint / "best.keras", new / "best.keras")
            pd.DataFrame(log).to_csv(new / "training_log.csv", index=False)
            write_stage(new, SCRIPT, checkpoint, arguments, faces.counts, {})

    if len(log) < recipe.epochs:
        training.fit(
            batches(faces.images, targets, recipe.batch_size, recipe.augmentation, recipe.seed, len(log)),
            steps_per_epoch=math.ceil(len(targets) / recipe.batch_size),
            validation_data=(val.images, np.eye(targets.shape[1], dtype=np.float32)[val.labels]),
            validation_batch_size=256,
            shuffle=False,  # batches() does that
            initial_epoch=len(log),
            epochs=recipe.epochs,
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=save_epoch)],
        )
    return log


def load_network(folder: Path):
    """Return the Keras network in `folder` and its emotions."""
    path, labels = folder / "emotion.keras", folder / "labels.txt"
    for file in (path, labels):
        if not file.is_file():
            fail(f"{file}: no such file; make it with `python train.py`")
    import_libraries()
    import keras

    try:
        network = keras.saving.load_model(path)
        _, outputs = network.output_shape
    except Exception as error:  # a broken file raises whatever its zip, HDF5 or JSON reader raises
        fail(f"{path}: not a Keras network ({first_line(error)}); train again")
    emotions = labels.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if outputs != len(set(emotions)):
        fail(f"{labels}: {len(set(emotions))} labels for a network of {outputs} outputs; copy both again")
    return network, emotions


def finish(checkpoint: Path, emotions: int, recipe: Recipe):
    """Return the best epoch's network, averaged over mirrored faces, in float32 whatever it was trained in."""
    import keras

    keras.config.set_dtype_policy("float32")
    network = build_network(emotions, recipe)
    network.set_weights(keras.saving.load_model(checkpoint / "best.keras").get_weights())
    return average_mirrored(network)


def predict(network, images: np.ndarray) -> np.ndarray:
    """Return the probabilities, float32 (n, emotions), of faces, uint8 (n, 48, 48, 1)."""
    return network.predict(images, batch_size=256, verbose=0)


def calibrate(network, faces: Faces, truth: np.ndarray, emotions: list[str]) -> float:
    """Divide what goes into the softmax by the temperature that makes these labels likeliest, and return it.

    Guo et al., arXiv:1706.04599. The answers stay the same. A network that learned the shares of the votes is surer
    of them than it seems: it says 0.6 where six of ten people agree, and is right more often than that.
    """
    known = np.isin(truth, emotions)
    scores = np.log(np.maximum(predict(network, faces.images[known]), 1e-9))
    labels = [emotions.index(emotion) for emotion in truth[known]]
    losses = {}
    for temperature in np.geomspace(0.3, 3, 200):
        powers = scores / temperature
        powers -= np.logaddexp.reduce(powers, axis=1, keepdims=True)
        losses[float(temperature)] = -powers[np.arange(len(powers)), labels].mean()
    temperature = min(losses, key=losses.get)
    head = network.get_layer("scores").layers[-1]
    head.set_weights([weights / temperature for weights in head.get_weights()])
    return temperature


def reliability(truth: np.ndarray, confidence: np.ndarray, predicted: np.ndarray) -> tuple[float, list]:
    """Return the expected calibration error, and per bin of confidence: faces, their confidence, their accuracy."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    right = truth == predicted
    table = [
        (int(there.sum()), float(confidence[there].mean()), float(right[there].mean()))
        for there in (bins == number for number in range(BINS))
        if there.any()
    ]
    return sum(n * abs(sure - accuracy) for n, sure, accuracy in table) / len(truth), table


def measure(truth: np.ndarray, probabilities: np.ndarray, emotions: list[str]) -> dict:
    """Return n, accuracy, F1 scores, calibration, the table per emotion, the confusion matrix (rows: truth)."""
    from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

    predicted = np.array(emotions)[probabilities.argmax(axis=1)]
    error, bins = reliability(truth, probabilities.max(axis=1), predicted)
    table = classification_report(truth, predicted, labels=emotions, output_dict=True, zero_division=0)
    return {
        "n": len(truth),
        "accuracy": float(accuracy_score(truth, predicted)),
        "macro_f1": table["macro avg"]["f1-score"],
        "weighted_f1": table["weighted avg"]["f1-score"],
        "calibration_error": error,
        "reliability": bins,
        "per_class": {emotion: table[emotion] for emotion in emotions},
        "confusion": confusion_matrix(truth, predicted, labels=emotions).tolist(),
    }


def label(faces: Faces, emotions: list[str], votes: pd.DataFrame | None) -> dict[str, np.ndarray]:
    """Return {rule: the faces' labels}, "" or an emotion unknown to the network where a face has none by the rule.

    A face without votes, or in a folder that FER+ had no votes for, has its folder's; where that goes for all, the only
    rule is `folder`. The last rule is majority, the one behind published figures, where there are votes.
    """
    folder = np.array(emotions)[faces.labels]
    rows = pd.Index([row_number(path) for path in faces.paths])
    if votes is None or not (voted_on := rows.isin(votes.index) & np.isin(folder, votes.columns)).any():
        return {"folder": folder}
    by_rule = votes[["plurality", "majority"]].reindex(rows)
    return {rule: np.where(voted_on, by_rule[rule], folder).astype(str) for rule in by_rule}


def judge(network, sets: dict[str, Faces], emotions: list[str], votes: pd.DataFrame | None) -> dict:
    """Return {set: {rule: metrics}} over the faces that have a label by the rule."""
    metrics = {}
    for name, faces in ((name, faces) for name, faces in sets.items() if name != "train"):
        probabilities = predict(network, faces.images)
        known = {rule: (truth, np.isin(truth, emotions)) for rule, truth in label(faces, emotions, votes).items()}
        metrics[name] = {
            rule: measure(truth[there], probabilities[there], emotions)
            for rule, (truth, there) in known.items()
            if there.any()
        }
    return metrics


def disturb(network, faces: Faces, truth: np.ndarray, emotions: list[str]) -> dict[str, float]:
    """Return {what was done to the faces: accuracy}, for what a camera may do; the same faces at every call."""
    import cv2

    draw, size = np.random.default_rng(0), faces.images.shape[1]

    def move(image: np.ndarray, angle: float = 0.0, x: float = 0.0, y: float = 0.0) -> np.ndarray:
        turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, 1)
        turn[:, 2] += x, y
        return cv2.warpAffine(image, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)

    def compress(image: np.ndarray) -> np.ndarray:
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
        return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)

    def cover(image: np.ndarray) -> np.ndarray:
        (x, y), side = draw.integers(0, size - size // 3, 2).tolist(), size // 3
        return cv2.rectangle(image.copy(), (x, y), (x + side - 1, y + side - 1), 127, cv2.FILLED)

    changes = {
        "nothing": lambda image: image,
        "30 % of the light": lambda image: 0.3 * image,
        "blur of 1.5 pixels": lambda image: cv2.GaussianBlur(image, (0, 0), 1.5),
        "noise of 15 grays": lambda image: image + draw.normal(0, 15, image.shape),
        "tilt of 15 degrees": lambda image: move(image, angle=draw.choice([-15, 15])),
        "shift of 10 %": lambda image: move(image, 0, *(draw.choice([-0.1, 0.1], 2) * size)),
        "JPEG of quality 20": compress,
        "a ninth covered": cover,
    }
    known = np.isin(truth, emotions)
    accuracies = {}
    for name, change in changes.items():
        images = np.stack([np.clip(change(image), 0, 255).astype(np.uint8) for image in faces.images[known, :, :, 0]])
        answers = np.array(emotions)[predict(network, images[..., None]).argmax(axis=1)]
        accuracies[name] = float((answers == truth[known]).mean())
    return accuracies


def print_report(metrics: dict, disturbed: dict[str, float]) -> None:
    for name, rules in metrics.items():
        for rule, result in rules.items():
            scores = f"macro F1 {result['macro_f1']:.3f}, weighted F1 {result['weighted_f1']:.3f}"
            scores += f", calibration error {result['calibration_error']:.3f}"
            print(f"\n{name}, {rule} rule: accuracy {result['accuracy']:.3f}, {scores}, n = {result['n']:,}")
            table = pd.DataFrame(result["per_class"]).T.astype({"support": int})
            print(table.to_string(float_format="{:.3f}".format))
    whole, *rest = disturbed.values()
    print("\nthe same faces under a camera's conditions, accuracy and how much it falls")
    for name, accuracy in disturbed.items():
        print(f"{name:20} {accuracy:.3f} {accuracy - whole:+.3f}")
    print(f"{'mean of these ' + str(len(rest)):20} {np.mean(rest):.3f} {np.mean(rest) - whole:+.3f}")


def report(network, sets: dict[str, Faces], emotions: list[str], votes: pd.DataFrame | None) -> tuple[dict, dict]:
    """Print and return how good the network is, and how good on disturbed faces of the last set, by the last rule."""
    metrics = judge(network, sets, emotions, votes)
    name, faces = list(sets.items())[-1]
    disturbed = disturb(network, faces, label(faces, emotions, votes)[list(metrics[name])[-1]], emotions)
    print_report(metrics, disturbed)
    return metrics, disturbed


def plot_curves(log: pd.DataFrame, path: Path) -> None:
    """Draw accuracy and loss by epoch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, name in zip(both, ("accuracy", "loss")):
        axes.plot(log["epoch"], log[name], "o-", color="#56b4e9", label="training (augmented, shares of votes)")
        axes.plot(log["epoch"], log[f"val_{name}"], "o-", color="#d55e00", label="validation (one label a face)")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    both[0].legend(frameon=False)
    figure.savefig(path, dpi=110)


def plot_confusion(metrics: dict, emotions: list[str], path: Path) -> None:
    """Draw a heat map per set: of the faces with a label, the share that was given each name."""
    import seaborn
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8 * len(metrics), 7), layout="constrained")
    row = figure.subplots(1, len(metrics), squeeze=False)
    for axes, (name, rules) in zip(row[0], metrics.items()):
        rule, result = list(rules.items())[-1]  # majority, the rule behind published figures, where there are votes
        matrix = np.array(result["confusion"])
        counts = matrix.sum(axis=1)
        shares = matrix / np.maximum(counts, 1)[:, None]
        labels = [f"{emotion}\nn = {n:,}" for emotion, n in zip(emotions, counts)]
        style = {"annot": True, "fmt": ".2f", "cmap": "Blues", "vmin": 0, "vmax": 1, "square": True, "cbar": False}
        seaborn.heatmap(shares, ax=axes, xticklabels=emotions, yticklabels=labels, **style)
        title = f"{name}, {rule} rule: accuracy {result['accuracy']:.3f}, n = {result['n']:,}"
        axes.set(title=title, xlabel="named by the network", ylabel="label")
        axes.tick_params(axis="x", rotation=45)
        axes.tick_params(axis="y", rotation=0)
    figure.savefig(path, dpi=110)


def plot_reliability(metrics: dict, path: Path) -> None:
    """Draw per set how often the network is right when it is so sure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6 * len(metrics), 6), layout="constrained")
    for axes, (name, rules) in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics.items()):
        rule, result = list(rules.items())[-1]
        counts, sure, accuracy = np.array(result["reliability"]).T
        axes.plot([0, 1], [0, 1], "--", color="#808080", label="as right as sure")
        axes.bar(sure, accuracy, 0.8 / BINS, color="#56b4e9", label="faces of that confidence")
        for n, x, y in zip(counts, sure, accuracy):
            axes.annotate(f"{n:,.0f}", (x, y), (0, 2), textcoords="offset points", ha="center", fontsize=7)
        title = f"{name}, {rule} rule: calibration error {result['calibration_error']:.3f}, n = {result['n']:,}"
        axes.set(title=title, xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.05))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
    figure.savefig(path, dpi=110)


def export_network(network, path: Path, faces: np.ndarray) -> None:
    """Write the network as TFLite; fail when cv2.dnn's probabilities for some of `faces` are not Keras's."""
    import cv2
    import keras

    if keras.backend.backend() != "tensorflow":
        print("emotion.tflite is still to be made: `python train.py --export` where TensorFlow is Keras's backend")
        return
    import tensorflow as tf

    try:
        with quiet(), tempfile.TemporaryDirectory() as folder:
            network.export(folder, format="tf_saved_model", verbose=False)
            path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
    except tf.errors.OpError as error:  # a full disk is no OSError to TensorFlow
        fail(f"emotion.tflite: can't be written ({first_line(error)}); mend that and run it again")
    faces = faces[:: len(faces) // 256 + 1]
    reader = cv2.dnn.readNetFromTFLite(str(path))
    reader.setInput(faces.transpose(0, 3, 1, 2).astype(np.float32))
    ours, keras_own = reader.forward(), network.predict(faces, verbose=0)
    apart = float(np.abs(ours - keras_own).max()) if ours.shape == keras_own.shape else math.inf
    print(f"emotion.tflite: at most {apart:.1e} from Keras in the probabilities of {len(faces)} faces")
    if not apart <= AGREEMENT:
        path.unlink()
        why = "try another OpenCV" if np.isfinite(keras_own).all() else "the training diverged: lower --learning-rate"
        fail(f"emotion.tflite: cv2.dnn differs from Keras by {apart:.2g} in a probability; {why}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--train", type=Path, default=Path("data/shuffled"), help="faces to train on (%(default)s)")
    add("--val", type=Path, default=Path("data/split/val"), help="faces to choose the best epoch by (%(default)s)")
    add("--test", type=Path, default=Path("data/faces/test"), help="faces for the report alone (%(default)s)")
    add("--votes", type=Path, default=Path("data/faces/votes.csv"), help="FER+'s votes (%(default)s)")
    add("--out", type=Path, help="model folder (data/model; with --dry-run data/model-dry-run)")
    labels = "shares of the votes, or one label (%(default)s)"
    add("--labels", choices=["soft", "hard"], default=DEFAULTS.labels, help=labels)
    add("--loss", choices=["crossentropy", "focal"], default=DEFAULTS.loss, help="(%(default)s)")
    length = parser.add_mutually_exclusive_group().add_argument
    length("--epochs", type=int, default=DEFAULTS.epochs, help="passes over the training faces (%(default)s)")
    quick = {"dest": "epochs", "action": "store_const", "const": QUICK_EPOCHS}
    length("--quick", **quick, help=f"only {QUICK_EPOCHS}: nearly as good a network in a tenth of the time")
    add("--batch-size", type=int, default=DEFAULTS.batch_size, help="faces per step (%(default)s)")
    add("--learning-rate", type=float, default=DEFAULTS.learning_rate, help="at its highest (%(default)s)")
    add("--seed", type=int, default=DEFAULTS.seed, help="of weights, order and augmentation (%(default)s)")
    add("--resume", action="store_true", help="go on from the last epoch of a run that was stopped")
    add("--bfloat16", action="store_true", help="compute in 16 bits: faster on CPUs with AVX512-BF16 or AMX alone")
    mode = parser.add_mutually_exclusive_group().add_argument
    mode("--dry-run", action="store_true", help="every step, on a few hundred faces, in under a minute")
    mode("--evaluate", action="store_true", help="report on the network in --out; write nothing")
    mode("--export", action="store_true", help="write emotion.tflite for the network in --out; nothing else")
    args = parser.parse_args()
    for name in ("val", "test", "votes"):  # those that may be missing, as long as they were not asked for
        path = getattr(args, name)
        if path != parser.get_default(name) and not (path.is_file() if name == "votes" else path.is_dir()):
            fail(f"{path}: no such {'file' if name == 'votes' else 'folder'}; correct --{name}")
    args.out = args.out or Path("data/model-dry-run" if args.dry_run else "data/model")
    args.epochs = min(args.epochs, 2) if args.dry_run else args.epochs
    for name in ("epochs", "batch_size", "learning_rate"):
        if not 0 < getattr(args, name) < math.inf:
            fail(f"--{name.replace('_', '-')} {getattr(args, name)}: give a number above 0")
    if not 0 <= args.seed < 2**31:
        fail(f"--seed {args.seed}: give a whole number from 0 to {2**31 - 1}")
    return args


def prepare_checkpoint(out: Path, recipe: Recipe, resume: bool, digests: list[str]) -> Path:
    """Return the folder beside `out` that a stopped run resumes from, once that run is known to be the same."""
    out = Path(os.path.realpath(out))
    checkpoint = out.with_name(f".{out.name}.resume")
    recover(checkpoint)
    refuse_strangers(checkpoint, SCRIPT)
    if not resume and checkpoint.exists():
        print(
            f"{checkpoint}: holds a stopped run, which --resume goes on with; the first epoch of this one replaces it"
        )
    elif resume and not checkpoint.exists():
        print("no stopped run to resume; this one starts at the first epoch")
    elif resume:
        try:
            stage = json.loads((checkpoint / "stage.json").read_text(encoding="utf-8"))
            before = {**stage["arguments"], "seed": stage["seed"]}
            changed = [f"--{name.replace('_', '-')}" for name in RECIPE if before[name] != getattr(recipe, name)]
            changed += ["faces or votes"] if before["faces"] != digests else []
        except (OSError, ValueError, KeyError, TypeError) as error:
            fail(f"{checkpoint}: can't be resumed ({first_line(error)}); start again without --resume")
        if changed:
            what = f"the stopped run had other {', '.join(changed)}"
            fail(f"{checkpoint}: {what}; give the same, or start again without --resume")
    return checkpoint


def train_and_report(args: argparse.Namespace) -> None:
    """Train, judge and export into a new --out."""
    recipe = Recipe(**{name: getattr(args, name) for name in RECIPE})
    with new_folder(args.out, SCRIPT, [args.train, args.val, args.test]) as out:
        sets, emotions = load_sets(args, ["train", "val", "test"])
        refuse_leaks(sets, args.train)
        votes = read_votes(args.votes)
        counts = {name: faces.counts for name, faces in sets.items()}
        targets = soft_targets(sets["train"], emotions, votes if recipe.labels == "soft" else None)
        digests = [digest(sets["train"].images, targets), digest(sets["val"].images, sets["val"].labels)]
        checkpoint = prepare_checkpoint(args.out, recipe, args.resume, digests)
        import_libraries()
        print(
            f"{len(targets):,} faces, {recipe.labels if votes is not None else 'hard'} labels, {len(emotions)} emotions"
        )
        arguments = {**vars(args), "faces": digests}
        log = train(sets["train"], sets["val"], targets, checkpoint, recipe, args.resume, arguments)

        (out / "labels.txt").write_text("".join(f"{emotion}\n" for emotion in emotions), encoding="utf-8")
        network = finish(checkpoint, len(emotions), recipe)
        rules = label(sets["val"], emotions, votes).values()
        truth = [labels for labels in rules if np.isin(labels, emotions).any()][-1]
        temperature = calibrate(network, sets["val"], truth, emotions)
        network.save(out / "emotion.keras")
        metrics, disturbed = report(network, sets, emotions, votes)
        best = best_epoch(log)
        parameters = sum(math.prod(weight.shape) for weight in network.trainable_weights)
        print(f"\n{parameters:,} trainable parameters, epoch {best} of {len(log)} kept")
        facts = {"parameters": parameters, "best_epoch": best, "temperature": temperature}
        facts |= {**metrics, "disturbed": disturbed, "log": log}
        (out / "metrics.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        pd.DataFrame(log).to_csv(out / "training_log.csv", index=False, lineterminator="\n")
        plot_curves(pd.DataFrame(log), out / "training_curves.png")
        plot_confusion(metrics, emotions, out / "confusion_matrix.png")
        plot_reliability(metrics, out / "reliability.png")
        export_network(network, out / "emotion.tflite", sets["val"].images)
        arguments = {name: value for name, value in vars(args).items() if name != "resume"}  # resumed or not, the same
        write_stage(out, SCRIPT, args.out, arguments, counts, {})
    shutil.rmtree(checkpoint, ignore_errors=True)
    print(f"{args.out}: the network, its metrics and pictures; see it with `python realtime.py --model {args.out}`")


def evaluate(args: argparse.Namespace) -> None:
    """Print the report of the network in --out; write nothing."""
    network, emotions = load_network(args.out)
    size = (FACE_SIZE, FACE_SIZE, 1)
    if network.input_shape[1:] != size:
        fail(f"{args.out}: takes faces of {network.input_shape[1:]}, not {size}; train it with train.py")
    sets, _ = load_sets(args, ["val", "test"] if args.val.is_dir() else ["test"], emotions)
    if not sets:
        fail(f"{args.val}, {args.test}: neither is there; make them with `python data_preprocessing.py`")
    report(network, sets, emotions, read_votes(args.votes))


def export(args: argparse.Namespace) -> None:
    """Write emotion.tflite beside the emotion.keras in --out, as a whole or not at all."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    network, _ = load_network(args.out)
    new = args.out / ".emotion.tflite"
    noise = np.random.default_rng(args.seed).integers(0, 256, (64, *network.input_shape[1:]))
    export_network(network, new, noise)
    os.replace(new, args.out / "emotion.tflite")


def main() -> None:
    args = parse_arguments()
    if args.evaluate:
        evaluate(args)
    elif args.export:
        export(args)
    else:
        train_and_report(args)


if __name__ == "__main__":
    run(main)
