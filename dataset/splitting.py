"""Split a pool of faces with split-folders, and keep all copies of a face on one side."""

import contextlib
import hashlib
import io
import sys
from collections import defaultdict
from pathlib import Path

import splitfolders

from common.console import progress
from common.errors import fail
from dataset.images import open_face

PARTS = ["train", "val", "test"]


def hash_pixels(images: dict[str, list[Path]]) -> dict[Path, bytes]:
    """Return a digest of every image's pixels. Copies of a face share a digest."""
    paths = progress([path for emotion in images.values() for path in emotion], "hashing")
    return {path: hashlib.sha256(open_face(path).tobytes()).digest() for path in paths}


def split(
    source: Path, out: Path, ratio: list[float], seed: int, digests: dict[Path, bytes]
) -> None:
    """Copy the images into out/train, out/val (and out/test).

    Copies of a face within one emotion stay together.
    """

    def group_by_pixels(files: list[Path]) -> list[tuple[Path, ...]]:
        groups = defaultdict(list)
        for path in sorted(digests.keys() & set(files)):
            groups[digests[path]].append(path)
        return [tuple(group) for group in groups.values()]

    # split-folders always draws its progress bar: hide it if stderr is not a terminal
    terminal = sys.stderr.isatty()
    with contextlib.redirect_stderr(sys.stderr if terminal else io.StringIO()):
        splitfolders.ratio(source, out, seed=seed, ratio=ratio, group=group_by_pixels)


def rejoin_copies(out: Path, digests: dict[Path, bytes]) -> int:
    """Move copies that were split apart to the earliest of their parts, and return how many moved.

    split-folders splits each emotion separately, and FER+ gives some copies different labels.
    """
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


def count_part(part: Path, images: dict[str, list[Path]], source: Path) -> dict[str, int]:
    """Return {emotion: images} of one part. Raises UserError if an emotion has no image there.

    Removes the empty folders that split-folders makes for subfolders without images.
    """
    for folder in [folder for folder in part.iterdir() if folder.name not in images]:
        folder.rmdir()
    counts = {emotion: sum(1 for _ in (part / emotion).iterdir()) for emotion in images}
    for emotion, n in counts.items():
        if n == 0:
            wrong = f"too few images to put any in {part.name}"
            fail(source / emotion, wrong, "add some or change --ratio")
    return counts
