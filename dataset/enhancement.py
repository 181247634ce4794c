"""The stage behind contrast.py and sharpness.py: make an enhanced copy of every training face."""

from common.command_line import Parser, nonnegative_float
from dataset.images import copy_images, count, list_images, summary
from dataset.stage import atomic_folder, write_stage


def copy_enhanced(kind: str, enhancement: type, factor: float, description: str) -> None:
    """Run the stage: `row00010.png` becomes `data/<kind>/<emotion>/row00010_<kind>.png`.

    `enhancement` is a class of Pillow's ImageEnhance. `factor` is the default of `--factor`.
    """
    parser = Parser(description)
    parser.add_input("--source", "data/split/train", "emotion folders")
    parser.add_path("--out", f"data/{kind}", "output folder")
    strength = "strength, 0 or more (%(default)s)"
    parser.add_argument("--factor", type=nonnegative_float, default=factor, help=strength)
    args = parser.parse_args()

    images = list_images(args.source, "random_split.py")
    with atomic_folder(args.out, f"{kind}.py", [args.source]) as out:
        counts = copy_images(
            images,
            out,
            rename=lambda _, path: f"{path.stem}_{kind}.png",
            enhance=lambda face: enhancement(face).enhance(args.factor),
        )
        write_stage(out, f"{kind}.py", args.out, vars(args), count(images), counts)
    print(f"{args.out}: {summary(counts)}")
