"""The options of train.py that make a recipe."""

import argparse
from pathlib import Path

from common.command_line import Parser, nonnegative_float, positive_float, positive_int, seed
from network.recipe import FINE_TUNING, KEPT, QUICK_EPOCHS, Recipe

DEFAULTS = Recipe()


def add_recipe(parser: Parser) -> None:
    """Add the options of a recipe."""
    parser.begin_group("recipe")
    add = parser.add_argument
    labels = "shares of the votes, or one label (%(default)s)"
    add("--labels", choices=["soft", "hard"], default=DEFAULTS.labels, help=labels)
    add("--loss", choices=["crossentropy", "focal"], default=DEFAULTS.loss, help="(%(default)s)")
    width = "times as many filters in each layer: a larger network, as for a teacher (%(default)s)"
    add("--width", type=positive_float, default=DEFAULTS.width, help=width)
    start = "model folder, such as pretrained, whose features stay, for when faces are few"
    add("--start-from", type=Path, metavar="FOLDER", help=start)

    def either(name: str) -> str:
        return f"({getattr(DEFAULTS, name)}; with --start-from {getattr(FINE_TUNING, name)})"

    length = parser.group.add_mutually_exclusive_group().add_argument
    epochs = f"passes over the training faces {either('epochs')}"
    length("--epochs", type=positive_int, help=epochs)
    quick = f"only {QUICK_EPOCHS}: of FER-2013 nearly as good a network in a tenth of the time"
    length("--quick", dest="epochs", action="store_const", const=QUICK_EPOCHS, help=quick)
    add("--batch-size", type=positive_int, help=f"faces per step {either('batch_size')}")
    rate = f"at its highest {either('learning_rate')}"
    add("--learning-rate", type=positive_float, help=rate)
    of = "of weights, order and augmentation (%(default)s)"
    add("--seed", type=seed, default=DEFAULTS.seed, help=of)
    bits = "compute in 16 bits: faster on CPUs with AVX512-BF16 or AMX alone"
    add("--bfloat16", action="store_true", help=bits)
    strength = "how far rare emotions are favoured after training, 0 to 1 (chosen on --val)"
    add("--logit-adjustment", type=nonnegative_float, metavar="STRENGTH", help=strength)


def to_recipe(args: argparse.Namespace) -> Recipe:
    """Return the recipe of some options; what was not given among them is filled in."""
    defaults = FINE_TUNING if args.start_from else DEFAULTS
    for name in ("epochs", "batch_size", "learning_rate"):
        if getattr(args, name) is None:
            setattr(args, name, getattr(defaults, name))
    names = [*KEPT, "start_from", "logit_adjustment"]
    return Recipe(**{name: getattr(args, name) for name in names})
