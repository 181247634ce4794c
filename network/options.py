"""The options of train.py: files and modes. recipe.py has the options of the training."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from common.command_line import Parser
from common.errors import fail
from network.backend import check_installed
from network.data.faces import DEFAULT_TEST
from network.recipe import OPTIONS, Recipe, add_recipe, option, to_recipe

DRY_RUN_EPOCHS, DRY_RUN_FACES = 2, 40  # faces per emotion
# Options for training only. --seed is not one: the export uses it too
OF_TRAINING = ["train", "tensorboard", "resume", "distributed", *OPTIONS]
OF_TRAINING.remove("seed")


@dataclass(frozen=True)
class Mode:
    """The settings of a run that are not part of the recipe."""

    resume: bool
    distributed: bool
    tensorboard: Path | None  # folder
    limit: int | None  # most faces per emotion and set


def parse_arguments(description: str) -> tuple[argparse.Namespace, Recipe]:
    """Return the options and the recipe they make. Raises UserError if options contradict."""
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
                fail(option(name), "only for training", "leave it out")
    if args.fer2013_share and args.labels == "hard":
        fail("--fer2013-share", "needs --labels soft", "leave one of the two out")
    if args.no_test and args.test != DEFAULT_TEST:
        fail("--no-test", "contradicts --test", "leave one of the two out")
    if args.tensorboard:
        check_installed("--tensorboard", "tensorflow", "tensorboard")
    if args.distributed:
        check_installed("--distributed", "jax")
        if os.environ.get("KERAS_BACKEND") != "jax":
            wrong = "works only on the JAX backend"
            fail("--distributed", wrong, "set KERAS_BACKEND=jax")
    return args, to_recipe(args)


def add_paths(parser: Parser) -> None:
    """Add the options for files and folders."""
    add = parser.add_argument
    parser.begin_group("files and folders")
    parser.add_input("--train", "data/shuffled", "faces to train on")
    parser.add_input("--val", "data/split/val", "faces to choose the best epoch with")
    parser.add_input("--test", str(DEFAULT_TEST), "faces for the report only")
    add("--no-test", action="store_true", help="report on the validation faces only")
    parser.add_input("--votes", "data/faces/votes.csv", "FER+'s votes", "file")
    add("--out", type=Path, help="model folder (data/model; with --dry-run data/model-dry-run)")
    watched = "folder for TensorBoard's logs (needs TensorBoard and TensorFlow)"
    add("--tensorboard", type=Path, metavar="FOLDER", help=watched)


def add_modes(parser: Parser) -> None:
    """Add the options for the way to train, and for other tasks than training."""
    add = parser.add_argument
    parser.begin_group("how to run")
    add("--resume", action="store_true", help="continue a stopped run after its last epoch")
    several = "join the other processes of this run and share each batch (needs JAX); use it only"
    several += " on a trusted computer network, because any process that joins can end the run"
    add("--distributed", action="store_true", help=several)
    group = parser.begin_group("instead of training")
    mode = group.add_mutually_exclusive_group().add_argument
    dry_run = "run every step on a few hundred faces, in under a minute"
    mode("--dry-run", action="store_true", help=dry_run)
    mode("--evaluate", action="store_true", help="report on the network in --out; write nothing")
    export_only = "only write emotion.onnx for the network in --out"
    mode("--export", action="store_true", help=export_only)
