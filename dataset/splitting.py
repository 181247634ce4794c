"""Splitting a pool of faces by split-folders so that copies of a face are never on both sides."""

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
    """Return a digest of every image's pixels."""
    paths = [path for emotion in images.values() for path in emotion]
    return {
        path: hashlib.sha256(open_face(path).tobytes()).digest()
        for path in progress(paths, "hashing")
    }


def split(
    source: Path, out: Path, ratio: list[float], seed: int, digests: dict[Path, bytes]
) -> None:
    """Copy the images into out/train, out/val (and out/test) by split-folders, an emotion's copies
    kept together.
    """

    def group_by_pixels(files: list[Path]) -> list[tuple[Path, ...]]:
        groups = defaultdict(list)
        for path in sorted(path for path in files if path in digests):
            groups[digests[path]].append(path)
        return [tuple(group) for group in groups.values()]

    # split-folders always draws its bar: keep it off a stderr that is no terminal
    with (
        contextlib.nullcontext()
        if sys.stderr.isatty()
        else contextlib.redirect_stderr(io.StringIO())
    ):
        splitfolders.ratio(source, out, seed=seed, ratio=ratio, group=group_by_pixels)


def check_arrival(source: Path, out: Path, digests: dict[Path, bytes]) -> None:
    """Fail when an image is in no part.

    Split-folders lists the folder anew, and takes what is there then.
    """
    for path in digests:
        if not any((out / part / path.parent.name / path.name).exists() for part in PARTS):
            fail(
                f"{path}: has gone while {source} was being split; leave it alone meanwhile, and run it again"
            )


def rejoin_copies(out: Path, digests: dict[Path, bytes]) -> int:
    """Move copies that differ in label, and so were split apart, to the earliest part with one.

    Return how many.
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
