"""Train a small network with and without each part of the recipe, for few epochs; print a table.

    python benchmarks/ablation.py [--rows "the recipe" "hard labels"] [--seeds 1 2 3] [--epochs 6] [--size 32]
    python benchmarks/ablation.py --start-from pretrained --learning-rate 0.001 --epochs 4   go on with a network

Reads   data/split/train, data/contrast, data/sharpness, data/faces/votes.csv, written by the five data stages;
        with --start-from also data/split/val
Prints  per row and seed: accuracy by the majority and the plurality rule, agreement with FER-2013's own labels, macro
        recall and accuracy on corrupted faces by the majority rule, cross-entropy with the shares of the votes; with
        the bonus for rare emotions that half of the held-out faces chose, on the other half, accuracy and macro recall
        by the majority rule and by FER-2013's own labels; seconds

One training face in seven is held out for the evaluation; copies of a face stay together. The
validation and test faces are not used, so that no choice is made on them. Every row trains on the
same number of faces: the row with copies has three times as many faces and a third of the epochs.

A network of --start-from has seen all training faces, so the validation faces are held out. Split
them as for that network: the one in pretrained/ needs `random_split.py --ratio 0.9 0.1`.
"""

import argparse
import functools
import json
import time
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from report import line, markdown

from common.command_line import Parser, positive_float, positive_int, run
from common.errors import fail, first_line
from common.faces import FACE_SIZE
from dataset.images import list_images
from dataset.stage import read_stage
from network.backend import keras_imports
from network.data.augmentation import batches
from network.data.faces import Faces, load_faces
from network.data.targets import OWN, labels_by_rule, load_votes, soft_targets
from network.digests import digest
from network.evaluation.calibration import adjustment_curve, calibrated, choose_adjustment
from network.evaluation.corruptions import CORRUPTIONS
from network.recipe import FILTERS, Augmentation, Recipe

with keras_imports():
    import keras
    from keras import layers, ops

    from network.evaluation.metrics import compute_metrics, evaluate_corruptions, predict
    from network.model import architecture
    from network.model.optimizer import Muon
    from network.training.trainer import build_training

SHARE = 7  # hold out one face in SHARE
HALVINGS = 20


def one_mean(faces, recipe: Recipe):
    """Scale every face to the same mean gray value, not only dim ones."""
    mean = layers.AveragePooling2D(recipe.face_size)(faces)
    return faces / layers.Rescaling(1 / 127.5, offset=1 / 127.5)(mean)


def standardise(faces, recipe: Recipe):
    """Normalize every face to the same mean gray value and the same mean distance from it."""
    centred = faces - layers.AveragePooling2D(recipe.face_size)(faces)
    distance = layers.AveragePooling2D(recipe.face_size)(ops.abs(centred))
    return layers.Rescaling(127.5, offset=127.5)(centred / layers.Rescaling(1, offset=1)(distance))


# The changes of each row: fields of Recipe and Augmentation, and arguments for `train_row`
ROWS: dict[str, dict] = {
    "the recipe": {},
    "no face made brighter": {"min_mean_gray": 0},
    "every face to one mean": {"normalize": one_mean},
    "every face to one mean and contrast": {"normalize": standardise},
    "AdamW, learning rate 0.002": {"optimizer": keras.optimizers.AdamW, "learning_rate": 2e-3},
    "SGD, Nesterov, learning rate 0.1": {
        "optimizer": functools.partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
        "learning_rate": 0.1,
        "weight_decay": 5e-4,
    },
    "learning rate 0.002": {"learning_rate": 2e-3},
    "learning rate 0.008": {"learning_rate": 8e-3},
    "batches of 64, learning rate 0.0028": {"batch_size": 64, "learning_rate": 2.8e-3},
    "no shift, rotation, zoom": {"max_shift": 0.0, "max_rotation": 0.0, "max_zoom": 0.0},
    "rotation by 20 degrees, zoom by a fifth": {"max_rotation": 20, "max_zoom": 0.2},
    "no blur, noise, cover": {
        "blur_probability": 0.0,
        "noise_probability": 0.0,
        "erase_probability": 0.0,
    },
    "no dropout": {"dropout": 0.0},
    "hard labels": {"labels": "hard"},
    "focal loss": {"loss": "focal"},
    "with the contrast and sharpness copies": {"copies": True},
    "two convolutions in the first block": {
        "filters": ((24, 24), (48, 48), (96, 96, 96), (208, 208, 208))
    },
    "wide, then narrow": {"filters": ((48,), (96, 96), (128, 128, 128), (160, 160))},
    "the small network": {"network": "small", "filters": FILTERS["small"]},
    "FER-2013's labels, share 0.15": {"fer2013_share": 0.15},
    "FER-2013's labels, share 0.3": {"fer2013_share": 0.3},
    "FER-2013's labels, share 0.5": {"fer2013_share": 0.5},
    "FER-2013's labels, second head": {"second_head": 0.5},
}


def change(recipe: Recipe, changes: dict) -> Recipe:
    """Return a recipe with changed fields, including those of its augmentation."""
    augmentation = {name: changes[name] for name in changes if hasattr(Augmentation, name)}
    own = {name: changes[name] for name in changes if hasattr(Recipe, name)}
    return replace(recipe, **own, augmentation=replace(recipe.augmentation, **augmentation))


def read_faces(
    data: Path, size: int, copies: bool, validate: bool
) -> tuple[Faces, Faces, list[str]]:
    """Return the training faces and the held-out faces, resized to `size`, and the emotions.

    If `validate`, the held-out faces are the validation faces.
    """
    images = list_images(data / "split/train", "random_split.py")
    emotions = list(images)
    sets = [load_faces(images, emotions, "train")]
    others = sets[0]
    if validate:
        others = load_faces(list_images(data / "split/val", "random_split.py"), emotions, "val")
    rows = {
        row
        for row, image in zip(others.rows, others.images)
        if validate or zlib.crc32(image.tobytes()) % SHARE == 0
    }
    if copies:
        for name in ("contrast", "sharpness"):
            sets.append(load_faces(list_images(data / name, f"{name}.py"), emotions, name))

    def part(wanted: bool, sets: list[Faces]) -> Faces:
        keep = [np.array([(row in rows) == wanted for row in faces.rows]) for faces in sets]
        pixels = [
            image for faces, there in zip(sets, keep) for image in faces.images[there, :, :, 0]
        ]
        if size != FACE_SIZE:
            pixels = [
                cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in pixels
            ]
        labels = np.concatenate([faces.labels[there] for faces, there in zip(sets, keep)])
        paths = [path for faces, there in zip(sets, keep) for path in np.array(faces.paths)[there]]
        return Faces(np.stack(pixels)[..., None], labels, paths, {})

    return part(False, sets), part(True, [others]), emotions


def add_second_head(network: keras.Model, emotions: int) -> keras.Model:
    """Return a network that shares the features of `network` and has its outputs and `emotions` more."""
    x = layers.Conv2D(emotions, 1)(network.get_layer("head").input)
    second = layers.Softmax(dtype="float32")(layers.GlobalAveragePooling2D()(x))
    both = layers.Concatenate()([network.output, second])
    return keras.Model(network.input, both, name="network")


def cross_entropy(targets, probabilities):
    """Return the sum of all heads' cross-entropies. The weight of a head is in its targets."""
    return -ops.sum(targets * ops.log(ops.maximum(probabilities, 1e-7)), axis=1)


def take_weights(network: keras.Model, folder: Path, held: Faces, emotions: list[str]) -> None:
    """Copy the weights of the network in `folder`, without its bonus for rare emotions.

    Raises UserError unless the held-out faces are those of its own validation.
    """
    trained, known = architecture.load_network(folder)
    try:
        found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        offsets = np.array([found["logit_offsets"][emotion] for emotion in known])
        validated = read_stage(folder)["arguments"]["faces"]["val"]
    except (OSError, ValueError, KeyError) as error:
        fail(folder, f"not a model folder ({first_line(error)})", "correct --start-from")
    if known != emotions or validated != digest(held.images, held.labels):
        fail(folder, "its validation faces are not those of --data", "split them as for it")
    # The reverse of what `calibrate` put into the network
    architecture.adjust_logits(trained, -offsets / found["temperature"], 1 / found["temperature"])
    network.set_weights(trained.get_weights())


def fit(
    network: keras.Model,
    faces: Faces,
    targets: np.ndarray,
    recipe: Recipe,
    epochs: int,
    changes: dict,
) -> float:
    """Train a network, with one head or two; return the seconds."""
    steps = -(-len(targets) // recipe.batch_size)
    training = build_training(network, epochs * steps, recipe, changes.get("optimizer", Muon))
    if "second_head" in changes:
        training.compile(training.optimizer, cross_entropy)
    augmented = batches(faces.images, targets, recipe.batch_size, recipe.augmentation, recipe.seed)
    start = time.perf_counter()
    training.fit(augmented, steps_per_epoch=steps, epochs=epochs, shuffle=False, verbose=2)
    return time.perf_counter() - start


def train_row(
    changes: dict,
    recipe: Recipe,
    data: Path,
    votes: pd.DataFrame,
    epochs: int,
    start_from: Path | None = None,
) -> tuple[keras.Model, Faces, list[str], np.ndarray, float]:
    """Train with a changed recipe.

    Returns the network, the held-out faces, the emotions, their shares of the targets, and seconds.
    """
    # The recipe gives the blur in pixels of a full-size face
    blur = tuple(recipe.face_size / FACE_SIZE * sigma for sigma in Augmentation.blur_sigma)
    recipe = change(recipe, {"blur_sigma": blur, **changes})
    copies = changes.get("copies", False)
    faces, held, emotions = read_faces(data, recipe.face_size, copies, bool(start_from))
    soft = votes if recipe.labels == "soft" else None
    targets = soft_targets(faces, emotions, soft, recipe.fer2013_share)
    shares = targets.mean(axis=0)
    keras.utils.set_random_seed(recipe.seed)
    normalize = changes.get("normalize", architecture.brighten_dim_faces)
    network = learner = architecture.build_network(len(emotions), recipe, normalize)
    if start_from:
        take_weights(network, start_from, held, emotions)
    if weight := changes.get("second_head"):
        targets = np.hstack([targets, weight * soft_targets(faces, emotions, votes, 1.0)])
        learner = add_second_head(network, len(emotions))
    epochs = epochs // 3 if copies else epochs  # with copies there are three times the faces
    seconds = fit(learner, faces, targets, recipe, epochs, changes)
    if start_from:
        network = architecture.average_mirrored(network)
    return network, held, emotions, shares, seconds


def by_rule(
    probabilities: np.ndarray, labels: dict[str, np.ndarray], emotions: list[str], rule: str
) -> dict:
    """Return the metrics over the faces that `rule` labels."""
    known = np.isin(labels[rule], emotions)
    return compute_metrics(labels[rule][known], probabilities[known], emotions)


def evaluate_bonus(
    probabilities: np.ndarray,
    held: Faces,
    labels: dict[str, np.ndarray],
    shares: np.ndarray,
    emotions: list[str],
) -> dict[str, float]:
    """Return metrics with the bonus for rare emotions, as means over HALVINGS of the faces.

    Each half chooses the bonus of the other one. Copies of a face stay in one half.
    """
    numbers = {emotion: number for number, emotion in enumerate(emotions)}
    majority = np.array([numbers.get(emotion, -1) for emotion in labels["majority"]])
    sums = np.array([zlib.crc32(image.tobytes()) for image in held.images])
    means: dict[str, float] = {}
    for bit in range(HALVINGS):
        adjusted = np.empty_like(probabilities)
        for half in (0, 1):
            part = (sums >> bit) & 1 == half
            chosen = part & (majority >= 0)
            curve = adjustment_curve(probabilities[chosen], majority[chosen], shares, emotions)
            offsets = choose_adjustment(curve, int(chosen.sum())) * np.log(shares)
            adjusted[~part] = calibrated(probabilities[~part], offsets, 1.0)
        for rule, name in (("majority", "FER+, bonus"), (OWN, "FER-2013, bonus")):
            metrics = by_rule(adjusted, labels, emotions, rule)
            for metric in ("accuracy", "macro_recall"):
                key = f"{name}, {metric.replace('_', ' ')}"
                means[key] = means.get(key, 0.0) + metrics[metric] / HALVINGS
    return means


def evaluate_row(
    network: keras.Model,
    held: Faces,
    emotions: list[str],
    shares: np.ndarray,
    votes: pd.DataFrame,
) -> dict[str, float]:
    """Return the network's metrics on the held-out faces. `shares` are those of the targets."""
    labels, probabilities = labels_by_rule(held, emotions, votes), predict(network, held.images)
    majority = by_rule(probabilities, labels, emotions, "majority")
    corrupted = evaluate_corruptions(network, held, labels["majority"], emotions)
    corrupted = corrupted[: len(CORRUPTIONS)]
    logs = np.log(np.maximum(probabilities, 1e-7))
    return {
        "majority": majority["accuracy"],
        "plurality": by_rule(probabilities, labels, emotions, "plurality")["accuracy"],
        "FER-2013": by_rule(probabilities, labels, emotions, OWN)["accuracy"],
        "macro recall": majority["macro_recall"],
        "corrupted": float(np.mean([result["accuracy"] for result in corrupted])),
        "cross-entropy": float(-(soft_targets(held, emotions, votes) * logs).sum(axis=1).mean()),
        **evaluate_bonus(probabilities, held, labels, shares, emotions),
    }


def parse_arguments() -> argparse.Namespace:
    parser = Parser(__doc__)
    add = parser.add_argument
    parser.add_path("--data", "data", "folder that the data stages wrote")
    rows = f"rows to run, of {', '.join(ROWS)} (all)"
    add("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=rows)
    add("--seeds", type=int, nargs="+", default=[1], help="run each row with each seed (1)")
    epochs = "passes over the faces (%(default)s); for the row with copies a multiple of 3"
    add("--epochs", type=positive_int, default=6, help=epochs)
    start = "model folder of a network to go on with; its faces are 48 pixels wide"
    add("--start-from", type=Path, metavar="FOLDER", help=start)
    add("--size", type=positive_int, default=32, help="pixels of a face's side (%(default)s)")
    add("--batch-size", type=positive_int, default=128, help="(%(default)s)")
    add("--learning-rate", type=positive_float, default=4e-3, help="(%(default)s)")
    args = parser.parse_args()
    if args.epochs % 3 and any(ROWS[row].get("copies") for row in args.rows):
        fail(f"--epochs {args.epochs}", "not divisible by 3", "give a multiple of it")
    if args.start_from:
        args.size = FACE_SIZE
    return args


def main() -> None:
    args = parse_arguments()
    path = args.data / "faces/votes.csv"
    if (votes := load_votes(path)) is None:
        fail(path, "no such file", "make it with `python data_preprocessing.py`")
    base = Recipe(face_size=args.size, batch_size=args.batch_size, learning_rate=args.learning_rate)
    rows: list[list[str]] = []
    for row in args.rows:
        for seed in args.seeds:
            recipe = replace(base, seed=seed)
            network, held, emotions, shares, seconds = train_row(
                ROWS[row], recipe, args.data, votes, args.epochs, args.start_from
            )
            result = evaluate_row(network, held, emotions, shares, votes)
            figures = [f"{value:.4f}" for value in result.values()]
            rows.append([row, str(seed), *figures, f"{seconds:.0f}"])
            print(line(rows[-1]), end="", flush=True)
    labels = labels_by_rule(held, emotions, votes)
    counts = [f"{np.isin(truth, emotions).sum():,} by {rule}" for rule, truth in labels.items()]
    print("\n" + markdown(["row", "seed", *result, "seconds"], rows))
    print(f"n = {', '.join(counts)}")


if __name__ == "__main__":
    run(main)
