"""Cameras and endless streams, of which the newest frame alone counts; and opening captures."""

import contextlib
import os
import queue
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime

import cv2

from common.console import Overheard
from common.errors import fail, utf8_name
from webcam.address import without_secrets
from webcam.frame import Frame

INTERLACED = "interlaced"  # in what FFmpeg's swscale prints, see video.py
CAMERA_TIMEOUT = 5.0  # seconds without a frame after which a camera is given up
STREAM_TIMEOUT_MS = 10_000  # milliseconds that a stream has to answer in


class CameraSource:
    """A camera or a stream without end.

    A thread reads it and keeps the newest frame alone, so that what is shown is never old. One that
    stops is opened again and again, for CAMERA_TIMEOUT seconds.
    """

    live, end, sound, tag_column = True, None, None, "clock"

    def __init__(
        self,
        name: str,
        size: tuple[int, int] | None,
        capture: "cv2.VideoCapture",
        overheard: Overheard,
    ):
        self.name, self.size, self.capture, self.paths = name, size, capture, []
        self.overheard, self.interlaced = overheard, False
        # One frame at most. Unlike a Condition's, its waiting is in C, where a signal breaks nothing
        self.newest, self.closing = queue.SimpleQueue(), threading.Event()
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 120 else 30.0
        self.lost = False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        """Read until the source is closed; the thread's work."""
        while not (self.closing.is_set() or self.interlaced):
            there, frame = self.capture.read()
            # Of such frames OpenCV 4.13 and newer make black ones, see video.py
            self.interlaced |= INTERLACED in self.overheard.take()
            if there:
                with contextlib.suppress(queue.Empty):
                    self.newest.get_nowait()  # that nobody took
                self.newest.put(frame)
            elif not self.closing.wait(0.2):
                self.capture.release()
                self.capture = open_capture(self.name, self.size)
        self.capture.release()

    def frames(self) -> Iterator[Frame]:
        """Yield the newest frame, with its seconds since the first one and its time of day.

        While there is no new one, a frame without a picture, 20 times a second. Ends when the
        camera has been silent for CAMERA_TIMEOUT, twice as long before its first frame.
        """
        start, heard = None, time.monotonic()  # of the first frame, of the last one
        began = 0.0  # the first frame's time of day
        while not self.lost:
            frame = None
            with contextlib.suppress(queue.Empty):
                frame = self.newest.get(timeout=0.05)
            now = time.monotonic()
            if self.interlaced:
                return
            if frame is not None:
                if start is None:
                    start, began = now, time.time()
                heard = now
            # Cameras take their time to wake up
            self.lost = now - heard > (CAMERA_TIMEOUT if start else 2 * CAMERA_TIMEOUT)
            seconds = now - start if start else 0.0
            yield Frame(frame, seconds, None if frame is None else time_of_day(began + seconds))

    def close(self) -> None:
        """End the thread: Python may abort when it ends before one that is reading."""
        self.closing.set()
        self.thread.join(1)

    def raise_read_errors(self) -> None:
        """Raise UserError when the camera was lost; what it gave until then is kept."""
        name = without_secrets(self.name)
        if self.interlaced:
            what = f"interlaced, which OpenCV {cv2.__version__} can't read"
            fail(f"{name}: {what}; make the camera send progressive video")
        if self.lost:
            what = f"no frame for {CAMERA_TIMEOUT:.0f} seconds or more"
            fail(f"{name}: {what}; look after its cable or network")


def time_of_day(seconds: float) -> str:
    """Return a time since the epoch in ISO 8601, local, with its zone, in milliseconds."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")


def open_capture(name: str, size: tuple[int, int] | None = None) -> "cv2.VideoCapture":
    """Open a camera, video file or stream; whether that worked is for the caller to ask."""
    if "://" in name:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
        options = [value for limit in limits for value in (limit, STREAM_TIMEOUT_MS)]
        return cv2.VideoCapture(utf8_name(name), cv2.CAP_FFMPEG, options)
    if not is_camera(name):
        return cv2.VideoCapture(
            utf8_name(os.path.abspath(name))
        )  # FFmpeg takes `a:b.mp4` for a protocol
    capture = cv2.VideoCapture(camera_number(name))
    if size:
        # Most webcams have the bandwidth for large frames at full rate only as JPEGs
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    return capture


def is_camera(name: str) -> bool:
    """Return whether a source's name is the number of a camera, or its device file."""
    return camera_number(name) is not None


def camera_number(name: str) -> int | None:
    """Return the number of a camera: 1 for `1`, for `/dev/video1`, and for a link to that."""
    if name.startswith("/dev/"):
        name = os.path.realpath(name).removeprefix("/dev/video")
    number = re.fullmatch("[0-9]{1,3}", name)
    return int(number[0]) if number else None
