"""Train a small VGG-style network on the shuffled faces, report how good it is, export it for the webcam.

    python train.py [--epochs 10] [--resume]      train, report, export
    python train.py --dry-run                     every step on a few hundred faces, into data/model-dry-run
    python train.py --evaluate [--out pretrained] report on a trained network, write nothing
    python train.py --export                      only emotion.keras -> emotion.tflite (this needs TensorFlow)

Reads   data/shuffled, data/split/val         faces to train on, and to choose the best epoch by
        data/faces/test                       faces held back for the report alone, where the folder is there
        data/faces/votes.csv                  FER+'s votes: soft targets, and the labels by both rules, where it is there
Writes  data/model/emotion.keras, labels.txt  the network; its emotions, in the order of its outputs
        data/model/emotion.tflite             the same network for cv2.dnn
        data/model/metrics.json, training_log.csv, training_curves.png, confusion_matrix.png

Rescaling is the network's first layer: it takes gray values from 0 to 255. Keras alone trains it, so KERAS_BACKEND=jax
or torch works too. Takes about 7 minutes an epoch of 76,632 faces on two cores.
"""

import argparse
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import folders

SCRIPT = Path(__file__).name
FILTERS = [(24, 24), (48, 48), (96, 96, 96), (192, 192, 192)]  # 3x3 convolutions per block; 1.08 M parameters in all
DROPOUT = 0.3
WEIGHT_DECAY = 0.004  # AdamW's, per step and times the learning rate
WARM_UP = 0.05  # share of all steps in which the learning rate rises from 0
SHIFT, ROTATION, ZOOM = 0.1, 15 / 360, 0.15  # of the side, of a full turn, of the size: each to both sides
DRY_RUN_FACES = 40  # per emotion
AGREEMENT = 1e-3  # most by which Keras and cv2.dnn may differ in a probability
NEEDED = {"train": "random_shuffle.py", "val": "random_split.py", "test": "data_preprocessing.py"}


@dataclass
class Faces:
    """Images, uint8 (n, 48, 48, 1); labels, index of the folder's emotion, int (n,); their files, and those per emotion."""

    images: np.ndarray
    labels: np.ndarray
    paths: list[Path]
    counts: dict[str, int]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what TensorFlow's C++ code says on loading off stderr, where an error is to be one line."""
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


def import_keras() -> None:
    """Load Keras and its backend, once the input is known to be good: it takes seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet():
            import keras  # noqa: F401
    except ImportError as error:
        folders.fail(f"Keras and its backend can't be loaded ({error}); run `pip install -r requirements.txt`")


def load_faces(images: dict[str, list[Path]], emotions: list[str], name: str) -> Faces:
    """Read every face; labels count in `emotions`."""
    paths = [path for emotion in images.values() for path in emotion]
    labels = np.array([emotions.index(emotion) for emotion, group in images.items() for _ in group])
    pixels = np.empty((len(paths), folders.FACE_SIZE, folders.FACE_SIZE, 1), np.uint8)
    for index, path in enumerate(folders.progress(paths, f"reading {name}")):
        pixels[index, :, :, 0] = folders.open_face(path)
    return Faces(pixels, labels, paths, folders.count(images))


def load_sets(
    args: argparse.Namespace, names: list[str], emotions: list[str] | None
) -> tuple[dict[str, Faces], list[str]]:
    """Return the sets named (test only where its folder is there) and the emotions: the sub-folders of the first set.

    Fails when train and val differ in emotions, or when another set holds an emotion that the network can't name.
    """
    listed = {
        name: folders.list_images(getattr(args, name), NEEDED[name])
        for name in names
        if name != "test" or args.test.is_dir()
    }
    if not listed:
        folders.fail(f"{args.val}, {args.test}: neither is there; make them with `python data_preprocessing.py`")
    for name, images in listed.items():
        emotions = emotions or sorted(images)
        strange = set(images) - set(emotions) or (
            set(emotions) - set(images) if name == "val" and "train" in names else set()
        )
        if strange:
            folders.fail(
                f"{getattr(args, name)}: its emotions differ from the network's by {', '.join(sorted(strange))}; "
                "run the stages again from random_split.py"
            )
        if args.dry_run:
            listed[name] = {emotion: paths[:DRY_RUN_FACES] for emotion, paths in images.items()}
    return {name: load_faces(images, emotions, name) for name, images in listed.items()}, emotions


def refuse_leaks(sets: dict[str, Faces], args: argparse.Namespace) -> None:
    """Fail when a training face, or the face it is a copy of, is also a face to be judged by: same row or same pixels."""
    train = sets["train"]
    rows = {folders.row_number(path) for path in train.paths} - {None}
    pixels = {image.tobytes() for image in train.images}
    for name in ("val", "test"):
        for path, image in zip(sets[name].paths, sets[name].images) if name in sets else ():
            if folders.row_number(path) in rows or image.tobytes() in pixels:
                folders.fail(
                    f"{path}: this face is in {args.train} too, so it can't judge the network; run contrast.py, "
                    "sharpness.py and random_shuffle.py again, as after every random_split.py"
                )


def read_votes(path: Path) -> pd.DataFrame | None:
    """Return votes.csv with the row of both CSVs as its index, or None where the file is not there."""
    if not path.exists():
        return None
    try:
        votes = pd.read_csv(path, keep_default_na=False)
        votes.index = [folders.row_number(Path(name)) for name in votes["image"]]
        votes[["plurality", "majority"]]
    except (ValueError, KeyError, TypeError, pd.errors.ParserError) as error:
        folders.fail(
            f"{path}: not the votes.csv of data_preprocessing.py ({str(error).splitlines()[0]}); run that again"
        )
    return votes


def soft_targets(faces: Faces, emotions: list[str], votes: pd.DataFrame | None) -> np.ndarray:
    """Return the shares of the votes, float32 (n, emotions); the folder's emotion alone for faces without votes.

    Single votes, unknown and NF are dropped, and the rest add up to 1.
    """
    targets = np.eye(len(emotions), dtype=np.float32)[faces.labels]
    if votes is None or not set(emotions) <= set(votes.columns):
        return targets
    rows = pd.Index([folders.row_number(path) for path in faces.paths])
    shares = votes[emotions].reindex(rows).to_numpy(np.float32)  # NaN where a face has no votes
    shares[shares == 1] = 0
    total = shares.sum(axis=1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1), targets)


def build_network(emotions: int):
    """Return the network: gray values (n, 48, 48, 1) -> probabilities (n, emotions).

    Simonyan and Zisserman's VGG (arXiv:1409.1556) with batch normalisation, and global pooling for its
    dense layers.
    """
    import keras
    from keras import layers

    faces = keras.Input((folders.FACE_SIZE, folders.FACE_SIZE, 1))
    x = layers.Rescaling(1 / 127.5, offset=-1)(faces)
    for block, filters in enumerate(FILTERS):
        x = layers.MaxPooling2D()(x) if block else x
        for n in filters:
            x = layers.Conv2D(n, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
    # A dense layer on pooled features, written as a 1x1 convolution before the pooling: the same sum, but cv2.dnn
    # (OpenCV 4.14) leaves out the bias of a dense layer that it reads from TFLite.
    x = layers.SpatialDropout2D(DROPOUT)(x)
    x = layers.Conv2D(emotions, 1)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(faces, layers.Softmax()(x), name="network")


def build_training(network, steps: int, args: argparse.Namespace):
    """Return augmentation and network in one compiled model; the augmentation stays out of the saved network."""
    import keras
    from keras import layers

    augmentation = [
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(SHIFT, SHIFT, fill_mode="nearest"),
        layers.RandomRotation(ROTATION, fill_mode="nearest"),
        layers.RandomZoom((-ZOOM, ZOOM), (-ZOOM, ZOOM), fill_mode="nearest"),
    ]
    training = keras.Sequential([keras.Input(network.input_shape[1:]), *augmentation, network])
    warm_up = max(1, int(WARM_UP * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=args.learning_rate, warmup_steps=warm_up
    )
    losses = {"crossentropy": keras.losses.CategoricalCrossentropy, "focal": keras.losses.CategoricalFocalCrossentropy}
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
    training.compile(optimizer, losses[args.loss](), metrics=["accuracy"])
    return training


def train(
    sets: dict[str, Faces], emotions: list[str], votes: pd.DataFrame | None, checkpoint: Path, args
) -> pd.DataFrame:
    """Train, and leave the best epoch's network in `checkpoint/best.keras`; return the log, a row per epoch.

    The checkpoint is replaced as a whole after every epoch, so a killed run loses one epoch at most.
    """
    import keras

    faces, val = sets["train"], sets["val"]
    targets = soft_targets(faces, emotions, votes if args.labels == "soft" else None)
    log = []
    if checkpoint.exists():
        log = pd.read_csv(checkpoint / "training_log.csv").to_dict("records")
        training = keras.saving.load_model(checkpoint / "training.keras")
        print(f"resuming after epoch {len(log)}")
    keras.utils.set_random_seed(args.seed + len(log))
    if not log:
        steps = args.epochs * -(-len(targets) // args.batch_size)
        training = build_training(build_network(len(emotions)), steps, args)

    def stale() -> int:
        accuracies = [epoch["val_accuracy"] for epoch in log]
        return len(log) - 1 - accuracies.index(max(accuracies)) if log else 0

    def save_epoch(epoch: int, logs: dict) -> None:
        log.append({"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}})
        with folders.new_folder(checkpoint, SCRIPT) as new:
            training.save(new / "training.keras")
            if stale():
                shutil.copyfile(checkpoint / "best.keras", new / "best.keras")
            else:
                training.get_layer("network").save(new / "best.keras")
            pd.DataFrame(log).to_csv(new / "training_log.csv", index=False)
            folders.write_stage(new, SCRIPT, checkpoint, vars(args), faces.counts, {})
        training.stop_training = stale() >= args.patience

    if stale() < args.patience and len(log) < args.epochs:
        training.fit(
            faces.images,
            targets,
            validation_data=(val.images, np.eye(len(emotions), dtype=np.float32)[val.labels]),
            batch_size=args.batch_size,
            initial_epoch=len(log),
            epochs=args.epochs,
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=save_epoch)],
        )
    return pd.DataFrame(log)


def load_network(folder: Path):
    """Return the Keras network in `folder` and its emotions."""
    import keras

    for name in ("emotion.keras", "labels.txt"):
        if not (folder / name).is_file():
            folders.fail(f"{folder / name}: no such file; make it with `python train.py`")
    try:
        network = keras.saving.load_model(folder / "emotion.keras")
    except Exception as error:  # a broken file raises whatever its zip, HDF5 or JSON reader raises
        folders.fail(
            f"{folder / 'emotion.keras'}: not a Keras network ({str(error).strip().splitlines()[0][:150]}); train again"
        )
    emotions = (folder / "labels.txt").read_text(encoding="utf-8").split("\n")[:-1]
    if network.output_shape[-1] != len(emotions):
        folders.fail(
            f"{folder / 'labels.txt'}: {len(emotions)} labels for a network of {network.output_shape[-1]} outputs"
        )
    return network, emotions


def judge(network, sets: dict[str, Faces], emotions: list[str], votes: pd.DataFrame | None) -> tuple[dict, dict]:
    """Return the metrics of val and test by each label rule, and {set: confusion matrix} by the folders' labels.

    A rule counts the faces that have a label by it; faces without votes are judged by their folder instead.
    """
    from sklearn.metrics import classification_report, confusion_matrix

    metrics, confusion = {}, {}
    numbers = list(range(len(emotions)))
    for name, faces in ((name, faces) for name, faces in sets.items() if name != "train"):
        predicted = network.predict(faces.images, batch_size=256, verbose=0).argmax(axis=1)
        confusion[name] = confusion_matrix(faces.labels, predicted, labels=numbers)
        rules = {"folder": np.array(emotions)[faces.labels]}
        rows = [folders.row_number(path) for path in faces.paths]
        if votes is not None and votes.index.isin(rows).any():
            rules = {rule: votes[rule].reindex(rows, fill_value="").to_numpy(str) for rule in ("plurality", "majority")}
        metrics[name] = {}
        for rule, truth in rules.items():
            known = np.isin(truth, emotions)
            if not known.any():
                continue
            labels = np.array([emotions.index(emotion) for emotion in truth[known]])
            table = classification_report(
                labels, predicted[known], labels=numbers, target_names=emotions, output_dict=True, zero_division=0
            )
            metrics[name][rule] = {
                "n": int(known.sum()),
                "accuracy": float((labels == predicted[known]).mean()),
                "macro_f1": table["macro avg"]["f1-score"],
                "weighted_f1": table["weighted avg"]["f1-score"],
                "per_class": {emotion: table[emotion] for emotion in emotions},
            }
    return metrics, confusion


def print_report(metrics: dict) -> None:
    for name, rules in metrics.items():
        for rule, result in rules.items():
            print(
                f"\n{name}, {rule} rule: accuracy {result['accuracy']:.3f}, macro F1 {result['macro_f1']:.3f}, "
                f"weighted F1 {result['weighted_f1']:.3f}, n = {result['n']:,}"
            )
            table = pd.DataFrame(result["per_class"]).T
            print(table.astype({"support": int}).to_string(float_format="{:.3f}".format))


def plot_report(log: pd.DataFrame, confusion: dict, emotions: list[str], folder: Path) -> None:
    """Write training_curves.png and confusion_matrix.png."""
    import matplotlib

    matplotlib.use("Agg")  # no window, so no display is needed
    import matplotlib.pyplot as plt
    import seaborn

    figure, both = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for axes, name in zip(both, ("accuracy", "loss")):
        axes.plot(log["epoch"], log[name], "o-", color="#56b4e9", label="training (augmented, soft targets)")
        axes.plot(log["epoch"], log[f"val_{name}"], "o-", color="#d55e00", label="validation")
        axes.set(xlabel="epoch", ylabel=name)
        axes.spines[["top", "right"]].set_visible(False)
    both[0].legend(frameon=False)
    figure.savefig(folder / "training_curves.png", dpi=110)
    figure, all_axes = plt.subplots(
        1, len(confusion), figsize=(8 * len(confusion), 7), layout="constrained", squeeze=False
    )
    for axes, (name, matrix) in zip(all_axes[0], confusion.items()):
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        seaborn.heatmap(
            shares,
            annot=True,
            fmt=".2f",
            cmap="Blues",
            vmin=0,
            vmax=1,
            square=True,
            cbar=False,
            ax=axes,
            xticklabels=emotions,
            yticklabels=[f"{e}\nn = {n:,}" for e, n in zip(emotions, matrix.sum(axis=1))],
        )
        accuracy, n = matrix.trace() / matrix.sum(), matrix.sum()
        axes.set(title=f"{name}: accuracy {accuracy:.3f}, n = {n:,}", xlabel="named by the network", ylabel="label")
        axes.tick_params(axis="x", rotation=45)
        axes.tick_params(axis="y", rotation=0)
    figure.savefig(folder / "confusion_matrix.png", dpi=110)
    plt.close("all")


def export_network(network, path: Path, faces: np.ndarray) -> None:
    """Write the network as TFLite; fail when cv2.dnn's probabilities for some of `faces` are not Keras's."""
    import cv2
    import keras

    if keras.backend.backend() != "tensorflow":
        print(f"{path.name} is still to be made: `python train.py --export` where TensorFlow is Keras's backend")
        return
    with quiet():
        network.export(str(path), format="litert", verbose=False)
    faces = faces[:: len(faces) // 256 + 1]
    reader = cv2.dnn.readNetFromTFLite(str(path))
    reader.setInput(faces.transpose(0, 3, 1, 2).astype(np.float32))
    apart = float(np.abs(reader.forward() - network.predict(faces, verbose=0)).max())
    print(f"{path.name}: at most {apart:.1e} from Keras in the probabilities of {len(faces)} faces")
    if not apart <= AGREEMENT:
        path.unlink()
        folders.fail(
            f"{path}: cv2.dnn and Keras differ by {apart:.2g} in a probability; another OpenCV version may agree"
        )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--train", type=Path, default=Path("data/shuffled"), help="faces to train on (%(default)s)")
    add("--val", type=Path, default=Path("data/split/val"), help="faces to choose the best epoch by (%(default)s)")
    add("--test", type=Path, default=Path("data/faces/test"), help="faces for the report alone (%(default)s)")
    add("--votes", type=Path, default=Path("data/faces/votes.csv"), help="FER+'s votes (%(default)s)")
    add("--out", type=Path, help="model folder (data/model; with --dry-run data/model-dry-run)")
    add(
        "--labels",
        choices=["soft", "hard"],
        default="soft",
        help="train on shares of votes or on one label (%(default)s)",
    )
    add("--loss", choices=["crossentropy", "focal"], default="crossentropy", help="(%(default)s)")
    add("--epochs", type=int, default=10, help="passes over the training faces (%(default)s)")
    add("--batch-size", type=int, default=64, help="faces per step (%(default)s)")
    add(
        "--learning-rate", type=float, default=1e-3, help="AdamW's, after warm-up; falls to 0 on a cosine (%(default)s)"
    )
    add("--patience", type=int, default=5, help="stop after this many epochs without a better one (%(default)s)")
    add("--seed", type=int, default=42, help="of weights, order and augmentation (%(default)s)")
    add("--resume", action="store_true", help="go on from the last epoch of a run that was stopped")
    add("--dry-run", action="store_true", help="every step, on a few hundred faces, in under a minute")
    add("--evaluate", action="store_true", help="report on the network in --out; write nothing")
    add("--export", action="store_true", help="write emotion.tflite for the network in --out; nothing else")
    args = parser.parse_args()
    args.out = args.out or Path("data/model-dry-run" if args.dry_run else "data/model")
    args.epochs = min(args.epochs, 2) if args.dry_run else args.epochs
    for name in ("epochs", "batch_size", "learning_rate", "patience"):
        if not getattr(args, name) > 0:
            folders.fail(f"--{name.replace('_', '-')} {getattr(args, name)}: give a number above 0")
    return args


def prepare_checkpoint(args: argparse.Namespace, counts: dict) -> Path:
    """Return the folder beside --out that a stopped run resumes from; cleared unless --resume is given."""
    checkpoint = args.out.with_name(f".{args.out.name}.resume")
    if not args.resume:
        shutil.rmtree(checkpoint, ignore_errors=True)
    elif checkpoint.exists():
        stage = json.loads((checkpoint / "stage.json").read_text(encoding="utf-8"))
        before = {**stage["arguments"], "seed": stage["seed"]}
        changed = [
            name
            for name in ("epochs", "batch_size", "learning_rate", "labels", "loss", "seed")
            if before[name] != getattr(args, name)
        ]
        if changed or stage["images_in"] != counts:
            what = ", ".join("--" + name.replace("_", "-") for name in changed) or "the training faces"
            folders.fail(
                f"{checkpoint}: the stopped run had other {what}; give the same, or start again without --resume"
            )
    return checkpoint


def train_and_report(args: argparse.Namespace) -> None:
    """Train, judge and export into a new --out."""
    with folders.new_folder(args.out, SCRIPT, [args.train, args.val, args.test]) as out:
        sets, emotions = load_sets(args, ["train", "val", "test"], None)
        refuse_leaks(sets, args)
        votes = read_votes(args.votes)
        counts = {name: faces.counts for name, faces in sets.items()}
        checkpoint = prepare_checkpoint(args, counts["train"])
        import_keras()
        log = train(sets, emotions, votes, checkpoint, args)

        shutil.copyfile(checkpoint / "best.keras", out / "emotion.keras")
        (out / "labels.txt").write_text("".join(f"{emotion}\n" for emotion in emotions), encoding="utf-8")
        network, _ = load_network(out)
        metrics, confusion = judge(network, sets, emotions, votes)
        best = log["val_accuracy"].idxmax()
        parameters = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
        about = {"parameters": parameters, "epochs": len(log), "best_epoch": int(log["epoch"][best])}
        (out / "metrics.json").write_text(json.dumps({**about, **metrics}, indent=2) + "\n", encoding="utf-8")
        log.to_csv(out / "training_log.csv", index=False, lineterminator="\n")
        plot_report(log, confusion, emotions, out)
        print_report(metrics)
        print(f"\n{parameters:,} parameters, epoch {about['best_epoch']} of {len(log)} kept")
        export_network(network, out / "emotion.tflite", sets["val"].images)
        folders.write_stage(out, SCRIPT, args.out, vars(args), counts, {})
    shutil.rmtree(checkpoint, ignore_errors=True)
    print(f"{args.out}: emotion.keras, emotion.tflite, labels.txt, metrics.json and pictures; try `python realtime.py`")


def evaluate(args: argparse.Namespace) -> None:
    """Print the report of the network in --out; write nothing."""
    import_keras()
    network, emotions = load_network(args.out)
    sets, _ = load_sets(args, ["val", "test"] if args.val.is_dir() else ["test"], emotions)
    metrics, _ = judge(network, sets, emotions, read_votes(args.votes))
    print_report(metrics)


def export(args: argparse.Namespace) -> None:
    """Write emotion.tflite beside the emotion.keras in --out, as a whole or not at all."""
    import_keras()
    network, _ = load_network(args.out)
    new = args.out / ".emotion.tflite"
    noise = np.random.default_rng(args.seed).integers(0, 256, (64, *network.input_shape[1:]))
    export_network(network, new, noise)
    os.replace(new, args.out / "emotion.tflite")


def main() -> None:
    args = parse_arguments()
    evaluate(args) if args.evaluate else export(args) if args.export else train_and_report(args)


if __name__ == "__main__":
    folders.run(main)
