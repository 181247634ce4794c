"""The recipe of a training run, as one frozen object, and its options in train.py."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from common.command_line import Parser, positive_float, positive_int, seed, share
from common.faces import FACE_SIZE

QUICK_EPOCHS = 5
# Options that a resumed run may not change
KEPT = ["network", "width", "epochs", "batch_size", "learning_rate", "labels", "fer2013_share"]
KEPT += ["loss", "seed", "bfloat16"]
OPTIONS = ["start_from", "logit_adjustment", *KEPT]  # the options of train.py that make a recipe
# Filters of the 3x3 convolutions by network, block by block
FILTERS = {
    "vgg": ((24,), (48, 48), (96, 96, 96), (208, 208, 208)),
    "small": ((24,), (64, 64), (128, 128, 128), (256, 256, 256)),
}


@dataclass(frozen=True)
class Augmentation:
    """The limits for changing a training face. Shift, rotation and zoom go in both directions.

    A probability is the chance that a face gets the change.
    """

    flip_probability: float = 0.5
    max_shift: float = 0.1  # share of the side
    max_rotation: float = 15  # degrees
    max_zoom: float = 0.15  # share of the width and of the height, which are drawn separately
    blur_probability: float = 0.2
    blur_sigma: tuple[float, float] = (0.3, 1.8)  # pixels
    noise_probability: float = 0.2
    max_noise_std: float = 20  # gray values
    erase_probability: float = 0.2  # covers a rectangle
    # Cameras differ from each other, and from FER-2013's small and soft pictures
    reduce_probability: float = 0.1  # shrinks the face and enlarges it again
    min_reduced: float = 0.4  # share of the side
    sharpen_probability: float = 0.15
    max_sharpening: float = 1.5  # times the difference from the blurred face
    light_probability: float = 0.5  # changes gamma and contrast
    max_gamma: float = 2.0  # the smallest gamma is 1 / max_gamma
    max_contrast: float = 1.6  # the smallest contrast is 1 / max_contrast
    shadow_probability: float = 0.15  # darkens the face on one side of an edge
    min_shadow: float = 0.35  # share of the light
    jpeg_probability: float = 0.15
    min_jpeg_quality: int = 15


@dataclass(frozen=True)
class Recipe:
    """The settings of the architecture, the targets and the training."""

    face_size: int = FACE_SIZE  # pixels
    network: str = "vgg"  # or "small", with depthwise separable convolutions
    filters: tuple[tuple[int, ...], ...] = FILTERS["vgg"]
    width: float = 1.0  # factor for the number of filters in each layer
    min_mean_gray: float = 90  # 0 to 255; brightens dimmer faces, one in eight of FER-2013
    dropout: float = 0.3
    labels: str = "soft"  # shares of the votes; "hard" is one label per face
    fer2013_share: float = 0.0  # weight of FER-2013's own label in each soft target
    loss: str = "crossentropy"  # or "focal"
    epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 4e-3  # the peak
    warm_up: float = 0.05  # share of all steps in which the learning rate rises from 0
    weight_decay: float = 0.02  # per step, times the learning rate
    bfloat16: bool = False  # compute in 16 bits
    logit_adjustment: float | None = None  # strength; None chooses it on the validation faces
    start_from: Path | None = None  # a model folder, whose features are kept
    fits_few: bool = False  # if faces are few, fit the last layer (last_layer.py), without epochs
    seed: int = 42  # for weights, order and augmentation
    augmentation: Augmentation = field(default_factory=Augmentation)


DEFAULTS = Recipe()
# For a new last layer on frozen features (benchmarks/ablation.md)
FINE_TUNING = Recipe(epochs=30, batch_size=32, learning_rate=1e-2)


def option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def add_recipe(parser: Parser) -> None:
    """Add the options of a recipe."""
    group = parser.begin_group("recipe")
    add = parser.add_argument
    labels = "soft: shares of the votes; hard: one label per face (%(default)s)"
    add("--labels", choices=["soft", "hard"], default=DEFAULTS.labels, help=labels)
    own = "weight of FER-2013's own labels in the targets, 0 to 1; the votes get the rest"
    own += " (%(default)s)"
    add("--fer2013-share", type=share, default=0.0, metavar="SHARE", help=own)
    add("--loss", choices=["crossentropy", "focal"], default=DEFAULTS.loss, help="(%(default)s)")
    network = "small is a fifth of the size, for slow machines (%(default)s)"
    add("--network", choices=list(FILTERS), default=DEFAULTS.network, help=network)
    width = "factor for the number of filters in each layer (%(default)s)"
    add("--width", type=positive_float, default=DEFAULTS.width, help=width)
    start = "model folder, such as pretrained, whose features are kept; a new last layer is fitted"
    start += " in seconds, or trained by epochs with --epochs or 1,000 faces of each emotion"
    add("--start-from", type=Path, metavar="FOLDER", help=start)

    def either(name: str) -> str:
        return f"({getattr(DEFAULTS, name)}; with --start-from {getattr(FINE_TUNING, name)})"

    length = group.add_mutually_exclusive_group().add_argument
    epochs = f"passes over the training faces {either('epochs')}"
    length("--epochs", type=positive_int, help=epochs)
    quick = f"only {QUICK_EPOCHS} epochs: a tenth of the time, 3 points less accuracy on FER-2013"
    length("--quick", dest="epochs", action="store_const", const=QUICK_EPOCHS, help=quick)
    add("--batch-size", type=positive_int, help=f"faces per step {either('batch_size')}")
    rate = f"peak learning rate {either('learning_rate')}"
    add("--learning-rate", type=positive_float, help=rate)
    of = "seed for weights, order and augmentation (%(default)s)"
    add("--seed", type=seed, default=DEFAULTS.seed, help=of)
    bits = "compute in 16 bits: faster only on CPUs with AVX512-BF16 or AMX"
    add("--bfloat16", action="store_true", help=bits)
    strength = "how much to favour rare emotions after training, 0 to 1 (chosen on --val)"
    add("--logit-adjustment", type=share, metavar="STRENGTH", help=strength)


def to_recipe(args: argparse.Namespace) -> Recipe:
    """Return the recipe that some options make."""
    defaults = FINE_TUNING if args.start_from else DEFAULTS
    given = {name: getattr(args, name) for name in OPTIONS}
    of_epochs = [args.epochs, args.batch_size, args.learning_rate, args.tensorboard]
    by_epochs = args.resume or args.distributed or any(value is not None for value in of_epochs)
    for name in ("epochs", "batch_size", "learning_rate"):
        if given[name] is None:
            given[name] = getattr(defaults, name)
    filters = FILTERS[args.network]
    return Recipe(**given, filters=filters, fits_few=bool(args.start_from) and not by_epochs)
