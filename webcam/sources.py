"""Where frames come from: pictures, videos, cameras and streams."""

import glob
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

import cv2

from common.console import quiet
from common.errors import fail
from webcam.camera import CameraSource, is_camera, open_capture
from webcam.demo import DemoSource
from webcam.frame import Frame

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


class Source(Protocol):
    """What pictures, videos and cameras have in common."""

    paths: list[Path]  # the files that are read, which no output may replace
    rate: float  # frames/s of a video made of it
    # How long a window shows a frame: 0 of a camera, as long as it lasts of a video, without end of
    # a picture
    frame_seconds: float
    tag_column: str | None  # the CSV's name for the tags of its frames

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in order."""

    def close(self) -> None:
        """End what is under way."""

    def raise_read_errors(self) -> None:
        """Raise UserError when not all could be read."""


class ImageSource:
    """Picture files, one after the other; `many` unless one was asked for by its name.

    Those that can't be read are left out, and named at the end.
    """

    rate, frame_seconds = 0.0, math.inf

    def __init__(self, paths: list[Path], many: bool):
        self.paths, self.many, self.unread = paths, many, []
        self.tag_column = "file" if many else None

    def frames(self) -> Iterator[Frame]:
        for path in self.paths:
            try:
                with quiet():
                    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
            except cv2.error:  # more pixels than OpenCV takes
                picture = None
            if picture is None:
                self.unread.append(str(path))
            else:
                yield Frame(picture, None, str(path) if self.many else None)

    def close(self) -> None:
        """Nothing is under way."""

    def raise_read_errors(self) -> None:
        """Raise UserError when there were unreadable pictures; the others are done."""
        if self.unread:
            first, *more = self.unread
            which = f"{first} and {len(more)} more" if more else first
            fail(f"{which}: not a picture that OpenCV can read; convert it to PNG or JPEG")


class VideoSource:
    """A video file, or a stream that has an end: every frame, in order."""

    tag_column = None

    def __init__(self, name: str, capture: "cv2.VideoCapture"):
        self.name, self.paths, self.capture = name, [Path(name)], capture
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 1000 else 30.0
        self.frame_seconds = 1 / self.rate
        self.promised = capture.get(cv2.CAP_PROP_FRAME_COUNT) / self.rate  # seconds
        self.last, self.ended = -1.0, False

    def frames(self) -> Iterator[Frame]:
        """Yield every frame with its media time; the next frame is read into the same array."""
        frame = None
        while True:
            there, frame = self.capture.read(frame)
            if not there:
                self.ended = True
                return
            seconds = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            later = max(self.last, 0.0) + 1 / self.rate
            self.last = seconds if seconds > self.last else later  # some files have no time stamps
            yield Frame(frame, self.last)

    def close(self) -> None:
        self.capture.release()

    def raise_read_errors(self) -> None:
        """Raise UserError when the file has ended long before its end."""
        if self.ended and self.last + 2 / self.rate < 0.9 * self.promised:
            what = f"damaged, {max(self.last, 0):.1f} of {self.promised:.1f} seconds can be read"
            fail(f"{self.name}: {what}; convert it with ffmpeg, or fetch it again")


def list_files(names: list[str]) -> list[Path]:
    """Return the files that names stand for: files, patterns, or folders (the pictures in them).

    Raises UserError when a name stands for none.
    """
    paths = []
    for name in names:
        path = Path(name)
        if name and path.is_dir():
            found = [file for file in sorted(path.iterdir()) if is_picture(file)]
        elif name and path.exists():
            found = [path]
        else:
            found = sorted(map(Path, glob.glob(name)))
        if not found and name and path.is_dir():
            fail(f"{name}: no pictures in it{name_inner_pictures(path)}")
        if not found:
            mend = "give a camera number, a video, pictures or a stream's URL to --source"
            fail(f"{name}: no such file; {mend}")
        paths += found
    return paths


def name_inner_pictures(folder: Path) -> str:
    """Return what to say of a folder without pictures: where in its sub-folders some are."""
    for pattern in ("*/*", "*/*/*"):  # not deeper, where a search may take minutes
        inner = next((file for file in sorted(folder.glob(pattern)) if is_picture(file)), None)
        if inner:
            pattern = f"{folder / pattern}{inner.suffix}"
            return f", but in its sub-folders; give one of those, or '{pattern}', to --source"
    return "; give one with pictures, a video, a camera number or a stream's URL to --source"


def is_picture(file: Path) -> bool:
    """Return whether a folder's entry is a picture, by its ending, and not hidden."""
    named_so = file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".")
    return named_so and file.is_file()


def open_source(names: list[str], size: tuple[int, int] | None) -> Source:
    """Open what --source names; `size` is the width and height to ask a camera for.

    Raises UserError when there is nothing, or nothing that can be read.
    """
    names = [to_path(name) for name in names]
    name = names[0]
    if size and not (len(names) == 1 and is_camera(name)):
        fail(f"{name}: --size is what to ask a camera for; leave it out")
    if names == ["demo"]:  # `./demo` is a file or folder of that name
        return DemoSource()
    if len(names) > 1 or not (is_camera(name) or "://" in name):
        paths = list_files(names)
        strange = [path for path in paths if path.suffix.lower() not in IMAGE_SUFFIXES]
        if not strange:
            return ImageSource(paths, many=paths != [Path(name)])
        if len(paths) > 1:
            what = "not a picture, and of several sources all must be"
            fail(f"{strange[0]}: {what}; give it to --source alone")
        name = str(paths[0])
    capture = open_interruptibly(name, size)
    if not capture.isOpened():
        fail(f"{name}: {why_not_opened(name)}")
    endless = is_camera(name) or ("://" in name and capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0)
    return CameraSource(name, size, capture) if endless else VideoSource(name, capture)


def to_path(name: str) -> str:
    """Return the path of a `file://` URL; any other name as it is."""
    return url2pathname(urlsplit(name).path) if name.startswith("file://") else name


def open_interruptibly(name: str, size: tuple[int, int] | None) -> "cv2.VideoCapture":
    """Open a capture in a thread: a stream may take long to answer, and Ctrl-C works meanwhile."""
    opened = []
    thread = threading.Thread(target=lambda: opened.append(open_capture(name, size)), daemon=True)
    thread.start()
    thread.join()
    return opened[0]


def why_not_opened(name: str) -> str:
    """Return what is wrong with a source that OpenCV did not open, and what mends it."""
    if is_camera(name):
        others = "--source 1, a video or picture such as samples/astronaut.jpg, or --source demo"
        return f"no such camera, or another program holds it; try {others}"
    if "://" in name:
        return "not a stream that answers"
    return "not a video that OpenCV can read; convert it to MP4"
