"""Split the pool of faces into training and validation folders, emotion by emotion, without a leak.

    python random_split.py [--ratio 0.8 0.2] [--seed 42]

    data/faces/pool/          data/split/
        anger/       ->           train/
        happiness/                    anger/  happiness/  ...
        ...                       val/
                                      anger/  happiness/  ...

FER-2013 holds many exact copies of the same face. Copies are one group, which never lies on both sides of the split,
also where FER+ gave them different labels. Three numbers, `--ratio 0.8 0.1 0.1`, make a test folder of your own too.
Prints the images per part and emotion. Takes about 10 seconds on the real data.
"""

import argparse
import contextlib
import hashlib
import io
import sys
from collections import defaultdict
from pathlib import Path

import splitfolders

from common.command_line import run
from common.console import progress
from common.errors import fail
from dataset.images import count, list_images, open_face, summary
from dataset.stage import new_folder, write_stage

SCRIPT = Path(__file__).name
PARTS = ["train", "val", "test"]


def hash_pixels(images: dict[str, list[Path]]) -> dict[Path, bytes]:
    """Return a digest of every image's pixels."""
    paths = [path for emotion in images.values() for path in emotion]
    return {path: hashlib.sha256(open_face(path).tobytes()).digest() for path in progress(paths, "hashing")}


def split(source: Path, out: Path, ratio: list[float], seed: int, digests: dict[Path, bytes]) -> None:
    """Copy the images into out/train, out/val (and out/test) by split-folders, an emotion's copies kept together."""

    def group_by_pixels(files: list[Path]) -> list[tuple[Path, ...]]:
        groups = defaultdict(list)
        for path in sorted(path for path in files if path in digests):
            groups[digests[path]].append(path)
        return [tuple(group) for group in groups.values()]

    # split-folders always draws its bar: keep it off a stderr that is no terminal
    with contextlib.nullcontext() if sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO()):
        splitfolders.ratio(source, out, seed=seed, ratio=ratio, group=group_by_pixels)


def check_arrival(source: Path, out: Path, digests: dict[Path, bytes]) -> None:
    """Fail when an image is in no part: split-folders lists the folder anew, and takes what is there then."""
    for path in digests:
        if not any((out / part / path.parent.name / path.name).exists() for part in PARTS):
            fail(f"{path}: has gone while {source} was being split; leave it alone meanwhile, and run it again")


def rejoin_copies(out: Path, digests: dict[Path, bytes]) -> int:
    """Move copies that differ in label, and so were split apart, to the earliest part with one; return how many."""
    groups = defaultdict(list)
    for path, digest in digests.items():
        groups[digest].append(Path(path.parent.name, path.name))
    moved = 0
    for names in (group for group in groups.values() if len(group) > 1):
        parts = [next(part for part in PARTS if (out / part / name).exists()) for name in names]
        home = min(parts, key=PARTS.index)
        for name, part in zip(names, parts):
            if part != home:
                (out / part / name).rename(out / home / name)
                moved += 1
    return moved


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path("data/faces/pool"), help="emotion folders (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("data/split"), help="output folder (%(default)s)")
    parser.add_argument(
        "--ratio", type=float, nargs="+", default=[0.8, 0.2], help="shares of train, val and, if three, test (0.8 0.2)"
    )
    parser.add_argument("--seed", type=int, default=42, help="seed of the shuffle before the split (%(default)s)")
    args = parser.parse_args()
    if len(args.ratio) not in (2, 3) or min(args.ratio) <= 0 or round(sum(args.ratio), 5) != 1:
        fail(f"--ratio {' '.join(map(str, args.ratio))}: give two or three numbers above 0 whose sum is 1")

    images = list_images(args.source, "data_preprocessing.py")
    with new_folder(args.out, SCRIPT, [args.source]) as out:
        digests = hash_pixels(images)
        split(args.source, out, args.ratio, args.seed, digests)
        check_arrival(args.source, out, digests)
        moved = rejoin_copies(out, digests)
        parts = {}
        for part in PARTS[: len(args.ratio)]:
            for folder in [folder for folder in (out / part).iterdir() if folder.name not in images]:
                folder.rmdir()  # split-folders copies a sub-folder without images as an empty one
            parts[part] = {emotion: sum(1 for _ in (out / part / emotion).iterdir()) for emotion in images}
            for emotion, n in parts[part].items():
                if n == 0:
                    fail(f"{args.source / emotion}: too few images for a share in {part}; add some or change --ratio")
        write_stage(out, SCRIPT, args.out, vars(args), count(images), parts)

    print(
        f"{len(digests):,} images, {len(digests) - len(set(digests.values())):,} of them copies of another; "
        f"{moved:,} copies with a different label moved beside their twin"
    )
    for part, counts in parts.items():
        print(f"{args.out / part}: {summary(counts)}")


if __name__ == "__main__":
    run(main)
