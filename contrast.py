"""Copy every training face with more contrast, for a training set that has seen more kinds of light.

    python contrast.py [--factor 1.5]

    data/split/train/anger/row00010.png  ->  data/contrast/anger/row00010_contrast.png

`--factor` is that of Pillow's ImageEnhance.Contrast: 1 leaves the face as it is, 0 gives plain gray. Only training
faces are copied, so that validation stays what a camera sees. Prints the images per emotion. Takes about 10 seconds on
the real data.
"""

import argparse
from pathlib import Path

from PIL import ImageEnhance

from common.command_line import run
from common.errors import fail
from dataset.images import copy_images, count, list_images, summary
from dataset.stage import new_folder, write_stage

SCRIPT = Path(__file__).name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path("data/split/train"), help="emotion folders (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("data/contrast"), help="output folder (%(default)s)")
    parser.add_argument("--factor", type=float, default=1.5, help="strength, 0 or more (%(default)s)")
    args = parser.parse_args()
    if not 0 <= args.factor < float("inf"):
        fail(f"--factor {args.factor}: give a number from 0")

    images = list_images(args.source, "random_split.py")
    with new_folder(args.out, SCRIPT, [args.source]) as out:
        counts = copy_images(
            images,
            out,
            rename=lambda _, path: f"{path.stem}_contrast.png",
            enhance=lambda face: ImageEnhance.Contrast(face).enhance(args.factor),
        )
        write_stage(out, SCRIPT, args.out, vars(args), count(images), counts)
    print(f"{args.out}: {summary(counts)}")


if __name__ == "__main__":
    run(main)
