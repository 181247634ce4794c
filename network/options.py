"""The options of train.py, and the recipe that they make."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from common.command_line import Parser, positive_float, positive_int, seed, share
from common.errors import fail
from network.backend import check_installed
from network.data.faces import DEFAULT_TEST
from network.recipe import FINE_TUNING, OPTIONS, QUICK_EPOCHS, Recipe
from network.training.checkpoint import option

DEFAULTS = Recipe()
DRY_RUN_EPOCHS, DRY_RUN_FACES = 2, 40  # faces per emotion
# What a network that is there has no use for; its export has one for the seed
OF_TRAINING = ["train", "tensorboard", "resume", "distributed", *OPTIONS]
OF_TRAINING.remove("seed")


@dataclass(frozen=True)
class Mode:
    """How to train, beside the recipe."""

    resume: bool
    distributed: bool
    tensorboard: Path | None  # folder
    limit: int | None  # of the faces of an emotion and set


def parse_arguments(description: str) -> tuple[argparse.Namespace, Recipe]:
    """Return the options, and the recipe that they make.

    `description` is the script's docstring. Raises UserError for options that don't go together.
    """
    parser = Parser(description)
    add_paths(parser)
    add_recipe(parser)
    add_modes(parser)
    args = parser.parse_args()
    args.out = args.out or Path("data/model-dry-run" if args.dry_run else "data/model")
    if args.dry_run:
        args.epochs = min(args.epochs or DRY_RUN_EPOCHS, DRY_RUN_EPOCHS)
    if args.evaluate or args.export:
        for name in OF_TRAINING:
            if getattr(args, name) != parser.get_default(name):
                fail(f"{option(name)}: only for training; leave it out")
    if args.no_test and args.test != DEFAULT_TEST:
        fail("--no-test: --test gives faces to report on; leave one of the two out")
    if args.tensorboard:
        check_installed("--tensorboard", "tensorflow", "tensorboard")
    if args.distributed:
        check_installed("--distributed", "jax")
        if os.environ.get("KERAS_BACKEND") != "jax":
            fail("--distributed: JAX alone of Keras's backends does that; set KERAS_BACKEND=jax")
    return args, to_recipe(args)


def add_paths(parser: Parser) -> None:
    """Add the options of what is read and written."""
    add = parser.add_argument
    parser.begin_group("what is read and written")
    parser.add_input("--train", "data/shuffled", "faces to train on")
    parser.add_input("--val", "data/split/val", "faces to choose the best epoch by")
    parser.add_input("--test", str(DEFAULT_TEST), "faces for the report alone")
    add("--no-test", action="store_true", help="report on the validation faces alone")
    parser.add_input("--votes", "data/faces/votes.csv", "FER+'s votes", "file")
    add("--out", type=Path, help="model folder (data/model; with --dry-run data/model-dry-run)")
    watched = "folder for what TensorBoard shows, where that and TensorFlow are installed"
    add("--tensorboard", type=Path, metavar="FOLDER", help=watched)


def add_modes(parser: Parser) -> None:
    """Add the options of how to train, and of what else to do."""
    add = parser.add_argument
    parser.begin_group("how to run")
    add("--resume", action="store_true", help="go on from the last epoch of a run that was stopped")
    several = "join the other processes of this run, to share each batch (needs JAX)"
    add("--distributed", action="store_true", help=several)
    parser.begin_group("what else to do than to train")
    mode = parser.group.add_mutually_exclusive_group().add_argument
    dry_run = "every step, on a few hundred faces, in under a minute"
    mode("--dry-run", action="store_true", help=dry_run)
    mode("--evaluate", action="store_true", help="report on the network in --out; write nothing")
    export_only = "write emotion.onnx for the network in --out; nothing else"
    mode("--export", action="store_true", help=export_only)


def add_recipe(parser: Parser) -> None:
    """Add the options of a recipe."""
    parser.begin_group("recipe")
    add = parser.add_argument
    labels = "shares of the votes, or one label (%(default)s)"
    add("--labels", choices=["soft", "hard"], default=DEFAULTS.labels, help=labels)
    add("--loss", choices=["crossentropy", "focal"], default=DEFAULTS.loss, help="(%(default)s)")
    width = "times as many filters in each layer: a larger network (%(default)s)"
    add("--width", type=positive_float, default=DEFAULTS.width, help=width)
    start = "model folder, such as pretrained, whose features stay, for when faces are few"
    add("--start-from", type=Path, metavar="FOLDER", help=start)

    def either(name: str) -> str:
        return f"({getattr(DEFAULTS, name)}; with --start-from {getattr(FINE_TUNING, name)})"

    length = parser.group.add_mutually_exclusive_group().add_argument
    epochs = f"passes over the training faces {either('epochs')}"
    length("--epochs", type=positive_int, help=epochs)
    quick = f"only {QUICK_EPOCHS}: a tenth of the time, of FER-2013 3 points less of accuracy"
    length("--quick", dest="epochs", action="store_const", const=QUICK_EPOCHS, help=quick)
    add("--batch-size", type=positive_int, help=f"faces per step {either('batch_size')}")
    rate = f"at its highest {either('learning_rate')}"
    add("--learning-rate", type=positive_float, help=rate)
    of = "of weights, order and augmentation (%(default)s)"
    add("--seed", type=seed, default=DEFAULTS.seed, help=of)
    bits = "compute in 16 bits: faster only on CPUs with AVX512-BF16 or AMX"
    add("--bfloat16", action="store_true", help=bits)
    strength = "how far rare emotions are favoured after training, 0 to 1 (chosen on --val)"
    add("--logit-adjustment", type=share, metavar="STRENGTH", help=strength)


def to_recipe(args: argparse.Namespace) -> Recipe:
    """Return the recipe of some options."""
    defaults = FINE_TUNING if args.start_from else DEFAULTS
    given = {name: getattr(args, name) for name in OPTIONS}
    for name in ("epochs", "batch_size", "learning_rate"):
        if given[name] is None:
            given[name] = getattr(defaults, name)
    return Recipe(**given)
