"""Read pictures one by one."""

import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from common.console import quiet
from common.errors import UserError, some_of
from webcam.sources.frame import Picture, Source
from webcam.sources.headers import is_whole
from webcam.sources.names import codec_name
from webcam.sources.overheard import Overheard

PAGES = {".tif", ".tiff"}  # endings of files with several pages instead of an animation
# Messages of libpng, and of libjpeg, which fills the rest of a damaged picture with gray
DAMAGED = "Premature end of JPEG|libpng error|libpng warning: IDAT"
MAX_PAGES = 8  # pages in memory at once
MAX_BYTES = 2**29  # memory for all pictures of an animation
MOST_PAGES = 1000  # pages in a file: OpenCV searches for each one from the beginning
UNREADABLE = "not a picture that OpenCV can read, or too large; convert it to PNG or JPEG"
FORBIDDEN = "no permission to read it; change its permissions"
TOO_MANY = f"more than {MOST_PAGES:,} pages; split it"
TOO_LARGE = "an animation too large to read as pictures; convert it to MP4"


def count_pictures(file: Path) -> int:
    """Return the number of pages or animation frames in a file, 1 if it is damaged."""
    if not is_whole(file):
        return 1
    with quiet():
        return max(1, cv2.imcount(codec_name(file), cv2.IMREAD_COLOR))  # 0 for a broken file


def is_animation(file: Path, count: int) -> bool:
    """Return whether the `count` pictures of a file are an animation and not pages."""
    return count > 1 and file.suffix.lower() not in PAGES


def read_pictures(file: Path, count: int) -> Iterator[np.ndarray | None]:
    """Yield the `count` pictures in a file, BGR uint8, or None for one that can't be read."""
    # OpenCV can read a range of a TIFF's pages, but an animation only from its start
    name, whole = codec_name(file), is_whole(file)
    at_once = count if is_animation(file, count) else MAX_PAGES
    for start in range(0, count, at_once):
        part = min(at_once, count - start)
        pictures: Sequence[np.ndarray | None] = []
        try:
            with Overheard() as overheard:
                if whole and count == 1:  # imreadmulti ignores the rotation in the EXIF data
                    pictures = [cv2.imread(name, cv2.IMREAD_COLOR)]
                elif whole:
                    _, pictures = cv2.imreadmulti(name, start, part, None, cv2.IMREAD_COLOR)
                if re.search(DAMAGED, overheard.take()):
                    pictures = []
        except cv2.error:  # more pixels than OpenCV accepts
            pass
        yield from [*pictures, *[None] * (part - len(pictures))]


def fits_in_memory(animation: Path, count: int) -> bool:
    """Return whether an animation's `count` pictures fit in memory: OpenCV reads all at once."""
    picture = next(read_pictures(animation, 1))
    size = 0 if picture is None else picture.size / 3 * 4 * count
    return size <= MAX_BYTES


def why_left_out(file: Path, count: int) -> str:
    """Return why to skip a file with `count` pictures, or "" to read it."""
    if not os.access(file, os.R_OK):
        return FORBIDDEN
    if is_animation(file, count):
        return "" if fits_in_memory(file, count) else TOO_LARGE
    return TOO_MANY if count > MOST_PAGES else ""


class ImageSource(Source):
    """Reads picture files one by one. `many` is False for a single picture given by its name.

    Pictures that can't be read are skipped and reported at the end. `files` are the names to show,
    by default the paths. `folder` is a temporary folder with the files, or None.
    """

    unit = "picture"

    def __init__(
        self,
        paths: list[Path],
        many: bool,
        files: list[str] | None = None,
        folder: tempfile.TemporaryDirectory | None = None,
    ):
        super().__init__(paths)
        self.many, self.folder = many, folder
        # Names of skipped pictures, by reason
        self.left_out: dict[str, list[str]] = defaultdict(list)
        self.files = files or [str(path) for path in paths]
        self.counts = [count_pictures(path) for path in paths]
        self.total = sum(self.counts)
        self.extra_column = "file" if many else None

    @property
    def names(self) -> list[str]:
        """Return the names of all pictures."""
        names = zip(self.files, self.counts)
        return [name for file, count in names for name in name_pictures(file, count)]

    def frames(self) -> Iterator[Picture]:
        """Yield the pictures, and mark the last one."""
        left = sum(self.counts)
        for path, file, count in zip(self.paths, self.files, self.counts):
            if why := why_left_out(path, count):
                self.left_out[why].append(file)
                left -= count
                continue
            for image, name in zip(read_pictures(path, count), name_pictures(file, count)):
                left -= 1
                if image is None:
                    self.left_out[UNREADABLE].append(name)
                else:
                    yield Picture(image, name, last=not left)

    def close(self) -> None:
        if self.folder:
            self.folder.cleanup()

    def raise_read_errors(self) -> None:
        """Raise UserError if pictures were skipped. All others are done by then."""
        left_out = [(names, why) for why, names in self.left_out.items() if names]
        if left_out:
            raise UserError("; ".join(f"{some_of(names)}: {why}" for names, why in left_out))


def name_pictures(file: str, count: int) -> list[str]:
    """Return the names of the `count` pictures in a file."""
    return [f"{file}-{number}" for number in range(1, count + 1)] if count > 1 else [file]
