"""Pictures: finding them, and reading them one after the other."""

import glob
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from common.console import quiet
from common.errors import UserError, fail, printable
from webcam.sources.frame import Picture, Source
from webcam.sources.headers import is_whole
from webcam.sources.names import utf8_name, without_secrets
from webcam.sources.overheard import Overheard

WRITTEN = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}  # kinds for --output too
# Endings of pictures, so that one that OpenCV can't read is named as such
PICTURE_SUFFIXES = WRITTEN.union(
    ".jpe .jfif .dib .gif .avif .jp2 .pbm .pgm .ppm .pnm .heic .heif .jxl .svg .psd .ico "  # noqa: SIM905
    ".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf".split()
)
PAGES = {".tif", ".tiff"}  # endings of files whose pictures are no animation
CUT_OFF = "Premature end of JPEG"  # in libjpeg's messages, when it fills the picture up with gray
MAX_PAGES = 8  # in memory
MAX_BYTES = 2**29  # of all pictures of an animation, in memory
MOST_PAGES = 1000  # of a file: OpenCV looks for each one from the beginning
UNREADABLE = "not a picture that OpenCV can read, or too large; convert it to PNG or JPEG"
TOO_MANY = f"more than {MOST_PAGES:,} pages; split it"
TOO_LARGE = "an animation too large to be read as pictures; convert it to MP4"


def is_picture(file: Path) -> bool:
    """Return whether a file is a picture, by its first bytes or its ending."""
    if not file.is_file() or file.suffix.lower() in (".mjpg", ".mjpeg"):  # a video of JPEGs
        return False
    with quiet():
        return cv2.haveImageReader(utf8_name(file)) or file.suffix.lower() in PICTURE_SUFFIXES


def count_pictures(file: Path) -> int:
    """Return how many pictures there are in a file, 1 if it is damaged.

    They are pages, or the frames of an animation.
    """
    if not is_whole(file):
        return 1
    with quiet():
        return max(1, cv2.imcount(utf8_name(file), cv2.IMREAD_COLOR))  # 0 of a broken one


def is_animation(file: Path, count: int) -> bool:
    """Return whether the `count` pictures of a file are an animation, not pages."""
    return count > 1 and file.suffix.lower() not in PAGES


def read_pictures(file: Path, count: int) -> Iterator[np.ndarray | None]:
    """Yield the `count` pictures in a file, BGR uint8; None where one can't be read."""
    # OpenCV can read some pages of a TIFF, but an animation only from its start
    name = utf8_name(file)
    at_once = count if is_animation(file, count) else MAX_PAGES
    for start in range(0, count, at_once):
        part = min(at_once, count - start)
        pictures: Sequence[np.ndarray | None] = []
        try:
            with Overheard() as overheard:
                if not is_whole(file):
                    pass
                elif count == 1:  # imreadmulti does not turn a picture as its EXIF data say
                    pictures = [cv2.imread(name, cv2.IMREAD_COLOR)]
                else:
                    _, pictures = cv2.imreadmulti(name, start, part, None, cv2.IMREAD_COLOR)
                if CUT_OFF in overheard.take():
                    pictures = []
        except cv2.error:  # more pixels than OpenCV takes
            pass
        yield from [*pictures, *[None] * (part - len(pictures))]


def fits_in_memory(animation: Path, count: int) -> bool:
    """Return whether all `count` pictures of an animation fit, as OpenCV reads them at once."""
    picture = next(read_pictures(animation, 1))
    size = 0 if picture is None else picture.size / 3 * 4 * count
    return size <= MAX_BYTES


def why_left_out(file: Path, count: int) -> str:
    """Return why the `count` pictures of a file are not read, or nothing."""
    if is_animation(file, count):
        return "" if fits_in_memory(file, count) else TOO_LARGE
    return TOO_MANY if count > MOST_PAGES else ""


class ImageSource(Source):
    """Pictures in files, one after the other; `many` unless a single one was asked for by name.

    Those that can't be read are left out, and named at the end. `files` are the names of the files,
    their paths if None; `folder` is the temporary one that holds them.
    """

    def __init__(
        self,
        paths: list[Path],
        many: bool,
        files: list[str] | None = None,
        folder: tempfile.TemporaryDirectory | None = None,
    ):
        super().__init__(paths)
        self.many, self.folder = many, folder
        # Names by reason
        self.left_out: dict[str, list[str]] = {UNREADABLE: [], TOO_LARGE: [], TOO_MANY: []}
        self.files = files or [str(path) for path in paths]
        self.counts = [count_pictures(path) for path in paths]
        self.extra_column = "file" if many else None

    @property
    def names(self) -> list[str]:
        """The names of all pictures."""
        names = zip(self.files, self.counts)
        return [name for file, count in names for name in name_pictures(file, count)]

    def frames(self) -> Iterator[Picture]:
        """Yield the pictures, the last one marked as such."""
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
        """Raise UserError when pictures were left out; the others are done."""
        left_out = [(names, why) for why, names in self.left_out.items() if names]
        if left_out:
            raise UserError("; ".join(f"{first_of(names)}: {why}" for names, why in left_out))


def first_of(names: list) -> str:
    """Return `a.png and 2 more` for three names."""
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else str(names[0])


def name_pictures(file: str, count: int) -> list[str]:
    """Return the names of the `count` pictures in a file."""
    return [f"{file}-{number}" for number in range(1, count + 1)] if count > 1 else [file]


def list_pictures(names: list[str], option: str = "--source") -> list[Path]:
    """Return the files of some names, given to an option.

    They are files, patterns, or folders (the pictures in them).
    """
    files = []
    for name in names:
        path = Path(name)
        if name and path.exists():
            found = list_folder(path) if path.is_dir() else [path]
        else:
            found = sorted(map(Path, glob.glob(name)))
        if not found:
            other = "a camera number, a video, a stream's URL or " if option == "--source" else ""
            fail(without_secrets(name), "no such file", f"give {other}pictures to {option}")
        files += found
    return files


def list_folder(folder: Path) -> list[Path]:
    """Return the pictures in a folder; print the names of other entries, except hidden ones."""
    files = [file for file in sorted(folder.iterdir()) if not file.name.startswith(".")]
    pictures = [file for file in files if is_picture(file)]
    if not pictures:
        fail(folder, *why_no_pictures(folder))
    others = sorted(set(files) - set(pictures))
    if others:
        names = ", ".join(f"{file.name}/" if file.is_dir() else file.name for file in others[:3])
        names += ", …" if len(others) > 3 else ""
        print(printable(f"left out of {folder}, since no pictures: {len(others)} ({names})"))
    return pictures


def why_no_pictures(folder: Path) -> tuple[str, str]:
    """Return what is wrong with a folder without pictures, and what mends it."""
    for pattern in ("*/*", "*/*/*"):  # not deeper, where a search may take minutes
        files = (file for file in sorted(folder.glob(pattern)) if not file.name.startswith("."))
        inner = next(filter(is_picture, files), None)
        if inner:
            mend = f"give one of those, or '{folder / pattern}{inner.suffix}', to --source"
            return "no pictures in it, but in its sub-folders", mend
    mend = "give one with pictures, a video, a camera number or a stream's URL to --source"
    return "no pictures in it", mend
