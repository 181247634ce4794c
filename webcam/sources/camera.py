"""Read the newest frame of a camera or an endless stream."""

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from datetime import datetime

import cv2
import numpy as np

from common.errors import fail
from common.stopping import start_thread
from webcam.sources.capture import INTERLACED, open_capture
from webcam.sources.frame import Frame, Source, VideoInfo
from webcam.sources.names import is_camera, without_secrets
from webcam.sources.overheard import Overheard

CAMERA_TIMEOUT = 5.0  # seconds without a frame after which a camera counts as lost


class CameraSource(Source):
    """A camera or an endless stream. A thread reads it and keeps only the newest frame.

    If the camera stops, the thread keeps trying to reopen it for CAMERA_TIMEOUT seconds.
    """

    extra_column = "clock"

    def __init__(
        self,
        name: str,
        size: tuple[int, int] | None,
        capture: "cv2.VideoCapture",
        overheard: Overheard,
    ):
        super().__init__([])
        self.is_webcam = is_camera(name)
        self.name, self.size, self.capture, self.overheard = name, size, capture, overheard
        self.interlaced = self.lost = self.has_begun = False
        # Holds at most one frame. It waits in C, where a signal does no harm, unlike a Condition
        self.newest: queue.SimpleQueue[np.ndarray] = queue.SimpleQueue()
        self.closing = threading.Event()
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.info = VideoInfo(rate if 0 < rate <= 120 else 30.0, live=True)
        self.thread = start_thread(self.read)

    def read(self) -> None:
        """Read frames until the source is closed. The thread runs this."""
        while not (self.closing.is_set() or self.interlaced):
            there, frame = self.capture.read()
            # OpenCV 4.13 and newer return black frames for interlaced video (video.py)
            self.interlaced |= INTERLACED in self.overheard.take()
            if there:
                with contextlib.suppress(queue.Empty):  # drop the last frame if nobody took it
                    self.newest.get_nowait()
                self.newest.put(frame)
            elif not self.closing.wait(0.2):
                self.capture.release()
                self.capture = open_capture(self.name, self.size)
        self.capture.release()

    def wait_for_frame(self) -> None:
        """Wait for the first frame. Closes the camera and raises UserError if none comes."""
        until = time.perf_counter() + 2 * CAMERA_TIMEOUT  # cameras are slow to start
        try:
            while self.newest.empty():
                self.lost = time.perf_counter() > until
                if self.lost or self.interlaced:
                    self.raise_read_errors()
                time.sleep(0.02)
        except BaseException:  # including Ctrl-C
            self.close()
            raise

    def frames(self) -> Iterator[Frame | None]:
        """Yield the newest frame with the seconds since the first one and its time of day.

        Yield None 20 times a second while there is no new frame. End after CAMERA_TIMEOUT without a
        frame, or after twice as long without the first one.
        """
        clock = Clock()
        heard = time.perf_counter()  # time of the last frame
        while not self.lost:
            image = None
            with contextlib.suppress(queue.Empty):
                image = self.newest.get(timeout=0.05)
            now = time.perf_counter()
            if self.interlaced:
                return
            if image is None:
                self.lost = now - heard > (CAMERA_TIMEOUT if self.has_begun else 2 * CAMERA_TIMEOUT)
                yield None
                continue
            heard, self.has_begun = now, True
            yield clock.stamp(image, now)

    def close(self) -> None:
        """Stop the thread. Python may abort if it exits while the thread reads."""
        self.closing.set()
        self.thread.join(1)

    def raise_read_errors(self) -> None:
        """Raise UserError if the camera was lost."""
        name = without_secrets(self.name)
        if self.interlaced:
            wrong = f"interlaced, which OpenCV {cv2.__version__} can't read"
            fail(name, wrong, "set the camera to progressive video")
        if self.lost and not self.has_begun:
            mend = (
                "close other programs that use it; on a Raspberry Pi, run this with `libcamerify`"
            )
            fail(name, "opens but gives no picture", mend)
        if self.lost:
            wrong = f"no frame for {CAMERA_TIMEOUT:.0f} seconds or more"
            fail(name, wrong, "check its cable or network")


class Clock:
    """Gives a camera's frames their times."""

    def __init__(self) -> None:
        self.start: float | None = None  # time.perf_counter() at the first frame
        self.began = 0.0  # the first frame's time of day, in seconds since the epoch

    def stamp(self, image: np.ndarray, now: float) -> Frame:
        """Return a Frame for an image, BGR, that arrived at `now`, by time.perf_counter()."""
        if self.start is None:
            self.start, self.began = now, time.time()
        seconds = now - self.start
        # ISO 8601, local time with its zone
        day = datetime.fromtimestamp(self.began + seconds).astimezone()
        return Frame(image, seconds, day.isoformat(timespec="milliseconds"))
