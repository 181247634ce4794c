"""Where frames come from: pictures, videos, cameras and streams."""

import glob
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import cv2
import numpy as np

from common.console import quiet
from common.errors import fail

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
CAMERA_TIMEOUT = 5.0  # seconds without a frame after which a camera is given up
STREAM_TIMEOUT_MS = 10_000  # milliseconds that a stream has to answer in


class ImageSource:
    """Picture files, one after the other; `many` unless it was asked for one by name.

    Those that can't be read are left out, and named at the end.
    """

    live, still = False, True

    def __init__(self, paths: list[Path], many: bool):
        self.paths, self.many, self.unread, self.name = paths, many, [], ""

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        for path in self.paths:
            self.name = str(path)
            try:
                with quiet():
                    picture = cv2.imread(self.name, cv2.IMREAD_COLOR)
            except cv2.error:  # more pixels than OpenCV takes
                picture = None
            if picture is None:
                self.unread.append(self.name)
            else:
                yield 0.0, picture

    def stop(self) -> None:
        """Nothing is under way."""

    def raise_read_errors(self) -> None:
        """Fail when there were unreadable pictures; the others are done."""
        if self.unread:
            which = self.unread[0] + f" and {len(self.unread) - 1} more" * (len(self.unread) > 1)
            fail(f"{which}: not a picture that OpenCV can read; convert it to PNG or JPEG")


class VideoSource:
    """A video file, or a stream that has an end: every frame, in order."""

    live = still = False

    def __init__(self, name: str, capture: "cv2.VideoCapture"):
        self.name, self.capture = name, capture
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 1000 else 30.0
        self.promised = capture.get(cv2.CAP_PROP_FRAME_COUNT) / self.rate  # seconds
        self.last, self.ended = -1.0, False

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield (seconds of media time, BGR frame); the next frame is read into the same array."""
        frame = None
        while True:
            there, frame = self.capture.read(frame)
            if not there:
                self.ended = True
                return
            seconds = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            later = max(self.last, 0.0) + 1 / self.rate
            self.last = seconds if seconds > self.last else later  # some files have no time stamps
            yield self.last, frame

    def stop(self) -> None:
        self.capture.release()

    def raise_read_errors(self) -> None:
        """Fail when the file has ended long before its end."""
        if self.ended and self.last + 2 / self.rate < 0.9 * self.promised:
            what = f"damaged, {max(self.last, 0):.1f} of {self.promised:.1f} seconds can be read"
            fail(f"{self.name}: {what}; convert it with ffmpeg, or fetch it again")


class CameraSource:
    """A camera or a stream without end, read by a thread that keeps the newest frame alone: what is shown is never old.

    One that stops is opened again and again, for CAMERA_TIMEOUT seconds.
    """

    live, still = True, False

    def __init__(self, name: str, size: tuple[int, int] | None, capture: "cv2.VideoCapture"):
        self.name, self.size, self.capture = name, size, capture
        self.newest, self.changed, self.closing = None, threading.Condition(), threading.Event()
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 120 else 30.0
        self.lost = False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        while not self.closing.is_set():
            there, frame = self.capture.read()
            if there:
                with self.changed:
                    self.newest = frame
                    self.changed.notify()
            elif not self.closing.wait(0.2):
                self.capture.release()
                self.capture = capture_from(self.name, self.size)

    def frames(self) -> Iterator[tuple[float, np.ndarray | None]]:
        """Yield (seconds since the first frame, BGR frame), None for the frame while there is no new one."""
        start, heard = None, time.monotonic()
        while not self.lost:
            with self.changed:
                self.changed.wait_for(lambda: self.newest is not None, 0.05)
                frame, self.newest = self.newest, None
            now = time.monotonic()
            if frame is not None:
                start, heard = start or now, now
            self.lost = now - heard > CAMERA_TIMEOUT * (1 if start else 2)  # cameras take their time to wake up
            yield now - (start or now), frame

    def stop(self) -> None:
        """End the thread: Python may abort when it ends before one that is reading."""
        self.closing.set()
        self.thread.join(1)

    def raise_read_errors(self) -> None:
        """Fail when the camera was lost; what it gave until then is kept."""
        if self.lost:
            fail(f"{self.name}: no frame for {CAMERA_TIMEOUT:.0f} seconds or more; look after its cable or network")


def capture_from(name: str, size: tuple[int, int] | None = None) -> "cv2.VideoCapture":
    """Open a camera, video file or stream with OpenCV; whether that worked is for the caller to ask."""
    if "://" in name:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STREAM_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, STREAM_TIMEOUT_MS]
        return cv2.VideoCapture(name, cv2.CAP_FFMPEG, limits)
    if not is_camera(name):
        return cv2.VideoCapture(os.path.abspath(name))  # FFmpeg takes `a:b.mp4` for a protocol
    capture = cv2.VideoCapture(int(name))
    if size:
        # Most webcams have the bandwidth for large frames at full rate only as JPEGs
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    return capture


def is_camera(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 4


def list_files(names: list[str]) -> list[Path]:
    """Return the files that names, patterns and folders (the pictures in them) stand for; fails when one has none."""
    paths = []
    for name in names:
        path, found = Path(name), [Path(name)]
        if name and path.is_dir():
            found = [file for file in path.iterdir() if file.is_file() and file.suffix.lower() in IMAGE_SUFFIXES]
            found = sorted(file for file in found if not file.name.startswith("."))
        elif not (name and path.exists()):
            found = sorted(map(Path, glob.glob(name)))
        if not found:
            what = "no pictures in it" if name and path.is_dir() else "no such file"
            fail(f"{name}: {what}; give a camera number, a video, pictures or a stream's URL to --source")
        paths += found
    return paths


def open_source(names: list[str], size: tuple[int, int] | None) -> ImageSource | VideoSource | CameraSource:
    """Open what --source names; fails when there is nothing, or nothing that can be read."""
    names = [url2pathname(urlsplit(name).path) if name.startswith("file://") else name for name in names]
    name = names[0]
    if size and not (len(names) == 1 and is_camera(name)):
        fail(f"{name}: --size is what to ask a camera for; leave it out")
    if len(names) > 1 or not (is_camera(name) or "://" in name):
        paths = list_files(names)
        strange = [path for path in paths if path.suffix.lower() not in IMAGE_SUFFIXES]
        if not strange:
            return ImageSource(paths, many=paths != [Path(name)])
        if len(paths) > 1:
            fail(f"{strange[0]}: not a picture, and of several sources all must be; give it to --source alone")
        name = str(paths[0])
    opened = []  # in a thread, since a stream may take long to answer, and Ctrl-C must work meanwhile
    thread = threading.Thread(target=lambda: opened.append(capture_from(name, size)), daemon=True)
    thread.start()
    thread.join()
    capture = opened[0]
    if not capture.isOpened():
        what = "no such camera, or another program holds it; try --source 1, or a video file" if is_camera(name) else (
            "not a stream that answers" if "://" in name else "not a video that OpenCV can read; convert it to MP4"
        )  # fmt: skip
        fail(f"{name}: {what}")
    endless = is_camera(name) or ("://" in name and capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0)
    return CameraSource(name, size, capture) if endless else VideoSource(name, capture)
