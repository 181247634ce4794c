"""Train a small VGG-style network on the shuffled faces, report how good it is, export it for the
webcam.

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

Scaling is the network's own: it takes gray values from 0 to 255. Any backend of Keras trains it, as
KERAS_BACKEND=jax or torch. Takes about 2 minutes an epoch of 86,205 faces on two cores of 2024, 2
hours in all; --quick 10 minutes.
"""

import argparse
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from common.command_line import Parser, positive_float, positive_int, run, seed
from common.console import quiet
from common.errors import fail, first_line
from dataset.images import FACE_SIZE
from dataset.stage import atomic_folder, write_stage
from network.calibration import fit_temperature
from network.checkpoint import RECIPE, digest, prepare_checkpoint
from network.faces import check_leakage, load_sets
from network.recipe import QUICK_EPOCHS, Recipe
from network.targets import labels_by_rule, read_votes, soft_targets

SCRIPT = Path(__file__).name
DRY_RUN_FACES = 40  # per emotion
DEFAULTS = Recipe()


def import_keras_modules() -> None:
    """Load Keras and what is built on it.

    Seconds, once the input is known to be good and before hours of training.
    """
    global architecture, evaluation, export, plots, training
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["MPLBACKEND"] = "agg"  # no window, and no failure of another backend's
    try:
        with quiet():
            from network import architecture, evaluation, export, plots, training
    except (ImportError, ValueError) as error:  # ValueError: a KERAS_BACKEND that is none
        fail(
            f"a library can't be loaded ({first_line(error)}); run `pip install -r requirements.txt`"
        )


def parse_arguments() -> argparse.Namespace:
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--train", type=Path, default=Path("data/shuffled"), help="faces to train on (%(default)s)")
    add(
        "--val",
        type=Path,
        default=Path("data/split/val"),
        help="faces to choose the best epoch by (%(default)s)",
    )
    add(
        "--test",
        type=Path,
        default=Path("data/faces/test"),
        help="faces for the report alone (%(default)s)",
    )
    add(
        "--votes",
        type=Path,
        default=Path("data/faces/votes.csv"),
        help="FER+'s votes (%(default)s)",
    )
    add("--out", type=Path, help="model folder (data/model; with --dry-run data/model-dry-run)")
    labels = "shares of the votes, or one label (%(default)s)"
    add("--labels", choices=["soft", "hard"], default=DEFAULTS.labels, help=labels)
    add("--loss", choices=["crossentropy", "focal"], default=DEFAULTS.loss, help="(%(default)s)")
    length = parser.add_mutually_exclusive_group().add_argument
    length(
        "--epochs",
        type=positive_int,
        default=DEFAULTS.epochs,
        help="passes over the training faces (%(default)s)",
    )
    quick = {"dest": "epochs", "action": "store_const", "const": QUICK_EPOCHS}
    length(
        "--quick",
        **quick,
        help=f"only {QUICK_EPOCHS}: nearly as good a network in a tenth of the time",
    )
    add(
        "--batch-size",
        type=positive_int,
        default=DEFAULTS.batch_size,
        help="faces per step (%(default)s)",
    )
    add(
        "--learning-rate",
        type=positive_float,
        default=DEFAULTS.learning_rate,
        help="at its highest (%(default)s)",
    )
    add(
        "--seed",
        type=seed,
        default=DEFAULTS.seed,
        help="of weights, order and augmentation (%(default)s)",
    )
    add("--resume", action="store_true", help="go on from the last epoch of a run that was stopped")
    add(
        "--bfloat16",
        action="store_true",
        help="compute in 16 bits: faster on CPUs with AVX512-BF16 or AMX alone",
    )
    mode = parser.add_mutually_exclusive_group().add_argument
    mode(
        "--dry-run",
        action="store_true",
        help="every step, on a few hundred faces, in under a minute",
    )
    mode("--evaluate", action="store_true", help="report on the network in --out; write nothing")
    mode(
        "--export",
        action="store_true",
        help="write emotion.tflite for the network in --out; nothing else",
    )
    args = parser.parse_args()
    # Those that may be missing, as long as they were not asked for
    for name in ("val", "test", "votes"):
        path = getattr(args, name)
        if path != parser.get_default(name) and not (
            path.is_file() if name == "votes" else path.is_dir()
        ):
            fail(f"{path}: no such {'file' if name == 'votes' else 'folder'}; correct --{name}")
    args.out = args.out or Path("data/model-dry-run" if args.dry_run else "data/model")
    args.epochs = min(args.epochs, 2) if args.dry_run else args.epochs
    return args


def train_and_report(args: argparse.Namespace) -> None:
    """Train, judge and export into a new --out."""
    recipe = Recipe(**{name: getattr(args, name) for name in RECIPE})
    with atomic_folder(args.out, SCRIPT, [args.train, args.val, args.test]) as out:
        paths = {"train": args.train, "val": args.val} | (
            {"test": args.test} if args.test.is_dir() else {}
        )
        sets, emotions = load_sets(paths, limit=DRY_RUN_FACES if args.dry_run else None)
        check_leakage(sets, args.train)
        votes = read_votes(args.votes)
        targets = soft_targets(sets["train"], emotions, votes if recipe.labels == "soft" else None)
        digests = [
            digest(sets["train"].images, targets),
            digest(sets["val"].images, sets["val"].labels),
        ]
        checkpoint = prepare_checkpoint(args.out, recipe, args.resume, digests)
        import_keras_modules()
        print(
            f"{len(targets):,} faces, {recipe.labels if votes is not None else 'hard'} labels, {len(emotions)} emotions"
        )
        arguments = {**vars(args), "faces": digests}
        log = training.train(
            sets["train"], sets["val"], targets, checkpoint, recipe, args.resume, arguments
        )

        (out / "labels.txt").write_text(
            "".join(f"{emotion}\n" for emotion in emotions), encoding="utf-8"
        )
        network = architecture.build_inference_network(checkpoint, len(emotions), recipe)
        rules = labels_by_rule(sets["val"], emotions, votes).values()
        truth = [labels for labels in rules if np.isin(labels, emotions).any()][-1]
        known = np.isin(truth, emotions)
        answers = evaluation.predict(network, sets["val"].images[known])
        temperature = fit_temperature(
            answers, [emotions.index(emotion) for emotion in truth[known]]
        )
        architecture.divide_logits(network, temperature)
        network.save(out / "emotion.keras")
        metrics, corruptions = evaluation.report(network, sets, emotions, votes)
        best = training.best_epoch(log)
        parameters = sum(math.prod(weight.shape) for weight in network.trainable_weights)
        print(f"\n{parameters:,} trainable parameters, epoch {best} of {len(log)} kept")
        facts = {"parameters": parameters, "best_epoch": best, "temperature": temperature}
        facts |= {**metrics, "corruptions": corruptions, "log": log}
        (out / "metrics.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        pd.DataFrame(log).to_csv(out / "training_log.csv", index=False, lineterminator="\n")
        plots.plot_curves(pd.DataFrame(log), out / "training_curves.png")
        plots.plot_confusion(metrics, emotions, out / "confusion_matrix.png")
        plots.plot_reliability(metrics, out / "reliability.png")
        export.export_network(network, out / "emotion.tflite", sets["val"].images)
        # Resumed or not, the same
        arguments = {name: value for name, value in vars(args).items() if name != "resume"}
        write_stage(
            out,
            SCRIPT,
            args.out,
            arguments,
            {name: faces.counts for name, faces in sets.items()},
            {},
        )
    shutil.rmtree(checkpoint, ignore_errors=True)
    print(
        f"{args.out}: the network, its metrics and pictures; see it with `python realtime.py --model {args.out}`"
    )


def load_network(folder: Path):
    """Return the Keras network in a model folder and its emotions.

    What is missing is said before Keras is loaded.
    """
    for file in (folder / "emotion.keras", folder / "labels.txt"):
        if not file.is_file():
            fail(f"{file}: no such file; make it with `python train.py`")
    import_keras_modules()
    return architecture.load_network(folder)


def evaluate(args: argparse.Namespace) -> None:
    """Print the report of the network in --out; write nothing."""
    network, emotions = load_network(args.out)
    size = (FACE_SIZE, FACE_SIZE, 1)
    if network.input_shape[1:] != size:
        fail(
            f"{args.out}: takes faces of {network.input_shape[1:]}, not {size}; train it with train.py"
        )
    paths = {
        name: path for name, path in {"val": args.val, "test": args.test}.items() if path.is_dir()
    }
    if not paths:
        fail(
            f"{args.val}, {args.test}: neither is there; make them with `python data_preprocessing.py`"
        )
    sets, _ = load_sets(paths, emotions)
    evaluation.report(network, sets, emotions, read_votes(args.votes))


def export_again(args: argparse.Namespace) -> None:
    """Write emotion.tflite beside the emotion.keras in --out, as a whole or not at all."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    network, _ = load_network(args.out)
    new = args.out / ".emotion.tflite"
    noise = np.random.default_rng(args.seed).integers(0, 256, (64, *network.input_shape[1:]))
    export.export_network(network, new, noise)
    os.replace(new, args.out / "emotion.tflite")


def main() -> None:
    args = parse_arguments()
    if args.evaluate:
        evaluate(args)
    elif args.export:
        export_again(args)
    else:
        train_and_report(args)


if __name__ == "__main__":
    run(main)
