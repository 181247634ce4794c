"""Videos that have an end: files, recordings at an address, animations."""

import statistics
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from common.console import Overheard, quiet
from common.errors import fail
from webcam.address import without_secrets
from webcam.camera import open_capture
from webcam.frame import Frame

UNKNOWN_RATE = 30.0  # frames/s
MOST_RATE = 1000  # frames/s; more is no rate but a time base
LEAST_RATE, MOST_VARYING_RATE = 10, 60  # frames/s made of a video whose rate varies
LONGEST_LAST = 1.0  # seconds that the last picture is shown; of no file OpenCV tells
STAMPS = 30  # time stamps that tell a video's rate
MOST_STRETCH = 4  # of pixels that are not square; more is an error
INTERLACED = "interlaced"  # in what FFmpeg's swscale prints


class VideoSource:
    """A video file, or a recording at an address: every frame, in order, with square pixels.

    `overheard` holds what FFmpeg prints: OpenCV 4.13 and newer hand over black or old frames of
    interlaced video, call that a success, and only there it shows.
    """

    live, tag_column = False, None

    def __init__(self, name: str, capture: "cv2.VideoCapture", overheard: Overheard):
        self.name, self.paths, self.capture = name, [Path(name)], capture
        self.overheard = overheard
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.said_rate = rate if 0 < rate <= MOST_RATE else 0.0  # 0: not known
        self.promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)  # frames
        self.stretch = stretch_to_square_pixels(capture)
        self.count, self.last, self.problem = 0, 0.0, ""
        self.heard = False  # a complaint of FFmpeg
        self.end: float | None = None

    @property
    def rate(self) -> float:
        """The frames/s of a video with a constant rate that is made of this one.

        Where the rate varies, that of the first frames or the mean, whichever is higher.
        """
        measured = self._measure_rate()
        if not measured:
            return self.said_rate or UNKNOWN_RATE
        if 0.9 < self.said_rate / measured < 1.1:
            return self.said_rate
        mean = self.said_rate if self.said_rate <= MOST_VARYING_RATE else 0.0
        return constant_rate(max(measured, mean))

    def _measure_rate(self) -> float:
        """Return the frames/s by the median distance of the first time stamps; 0 for none."""
        if "://" in self.name:  # fetched once
            return 0.0
        capture, stamps = open_capture(self.name), []
        while len(stamps) < STAMPS and capture.grab():
            stamps.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        median = statistics.median(np.diff(stamps)) if len(stamps) > 1 else 0.0
        return 1 / median if median > 0 else 0.0

    def frames(self) -> Iterator[Frame]:
        """Yield every frame with its media time; its picture stays until the next but one."""
        pictures, interval = [None, None], 1 / (self.said_rate or UNKNOWN_RATE)
        while True:
            there, picture = self.capture.read(pictures[self.count % 2])
            complaint = self.overheard.take()
            self.heard |= bool(complaint)
            if INTERLACED in complaint:
                since = f" from {self.last:.1f} seconds on" if self.count else ""
                self.problem = f"interlaced{since}, which OpenCV {cv2.__version__} can't read"
                return
            if not there:
                self._end(interval)
                return
            pictures[self.count % 2] = picture
            seconds = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if self.count and seconds <= self.last:  # some files have no time stamps
                seconds = self.last + 1 / (self.said_rate or UNKNOWN_RATE)
            interval = seconds - self.last if self.count else interval
            self.count, self.last = self.count + 1, max(seconds, 0.0)
            yield Frame(self._square(picture), self.last)

    def _square(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture with square pixels."""
        if self.stretch == (1, 1):
            return picture
        return cv2.resize(picture, None, fx=self.stretch[0], fy=self.stretch[1])

    def _end(self, interval: float) -> None:
        """Note when the last frame ends, or that it came long before the video's end.

        `interval` is the time between the last two frames, in seconds.
        """
        promised = self.promised / self.said_rate if self.said_rate else 0.0  # seconds
        few = self.count < 0.9 * self.promised and self.last < 0.9 * promised - 2 / UNKNOWN_RATE
        # Matroska and FLV tell how long the longest stream is, which may be the sound; but where
        # they are cut off, FFmpeg complains
        if not self.count:
            self.problem = f"no frame of it can be read by OpenCV {cv2.__version__}"
        elif few and (self.heard or not is_matroska_or_flv(self.name)):
            self.problem = f"damaged, {self.last:.1f} of {promised:.1f} seconds can be read"
        else:
            self.end = self.last + min(interval, LONGEST_LAST)

    def close(self) -> None:
        self.capture.release()

    def raise_read_errors(self) -> None:
        """Raise UserError when the video is damaged, or interlaced where OpenCV can't read that."""
        name = without_secrets(self.name)
        if self.problem.startswith(INTERLACED):
            new = Path(name).with_name(f"{Path(name).stem}-progressive.mp4").name
            mend = (
                f"make it progressive with `ffmpeg -i {Path(name).name} -vf bwdif=send_frame {new}`"
            )
            fail(f"{name}: {self.problem}; {mend}")
        if self.problem:
            fail(f"{name}: {self.problem}; convert it with ffmpeg, or fetch it again")


class AnimationSource:
    """The pictures of a GIF, WebP, PNG or AVIF that moves.

    Raises UserError when they can't be read.
    """

    live, tag_column = False, None

    def __init__(self, path: Path):
        self.paths = [path]
        with quiet():
            whole, animation = cv2.imreadanimation(str(path))
        if not whole:
            fail(f"{path}: not an animation that OpenCV can read; convert it to MP4")
        self.pictures = animation.frames
        # As browsers do with those that were made to go as fast as the computer
        shown = [0.1 if duration <= 10 else duration / 1000 for duration in animation.durations]
        self.starts, self.end = np.cumsum([0.0, *shown]).tolist(), None  # seconds
        steady = max(shown) == min(shown)
        self.rate = 1 / shown[0] if steady else constant_rate(1 / statistics.median(shown))

    def frames(self) -> Iterator[Frame]:
        """Yield every picture with its time."""
        for picture, seconds in zip(self.pictures, self.starts):
            yield Frame(np.ascontiguousarray(picture[:, :, :3]), seconds)
        self.end = self.starts[-1]

    def close(self) -> None:
        """Nothing is under way."""

    def raise_read_errors(self) -> None:
        """All of it was read."""


def is_matroska_or_flv(name: str) -> bool:
    """Return whether a file begins as those do."""
    try:
        with open(name, "rb") as file:
            return file.read(4) in (b"\x1aE\xdf\xa3", b"FLV\x01")
    except OSError:  # an address
        return False


def constant_rate(rate: float) -> float:
    """Return frames/s for a copy of a video whose own rate varies and is mostly `rate`.

    Within bounds, so that no picture is far from its time, nor the copy huge.
    """
    return min(max(rate, LEAST_RATE), MOST_VARYING_RATE)


def stretch_to_square_pixels(capture: "cv2.VideoCapture") -> tuple[float, float]:
    """Return by what width and height are to be multiplied, 1 or more."""
    width, height = (
        capture.get(side) or 1.0 for side in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN)
    )
    ratio = width / height
    if not 1 / MOST_STRETCH < ratio < MOST_STRETCH or abs(ratio - 1) < 0.005:
        return 1, 1
    return max(ratio, 1), max(1 / ratio, 1)
