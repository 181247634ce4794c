"""Read videos with an end: files, and recordings at an address."""

import math
import re
import statistics
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from common.console import shell_line
from common.errors import fail
from common.stopping import signals_held
from webcam.sources.capture import INTERLACED, open_capture
from webcam.sources.frame import Frame, Source, VideoInfo
from webcam.sources.names import without_secrets
from webcam.sources.overheard import Overheard
from webcam.sources.prefetch import AHEAD, Prefetch

UNKNOWN_RATE = 30.0  # frames/s
MAX_RATE = 1000  # frames/s; a higher number is a time base, not a rate
MIN_RATE, MAX_VARYING_RATE = 10, 60  # frames/s for the copy of a video with a varying rate
MAX_LAST = 1.0  # seconds to show the last picture at most: OpenCV does not report its duration
STAMPS = 30  # number of time stamps from which to measure the rate
# Seconds between two frames. A longer gap is an error or a new recording, as in ffmpeg
MAX_MPEG_GAP, MAX_UNKNOWN_GAP = 10, 3600
MAX_STRETCH = 4  # aspect ratio of a pixel; a larger one is an error
AVI, MPEG = b"RIFF", (b"G", b"\x00\x00\x01\xba")  # first bytes of the files
FFMPEG = r"(?m)^\[[\w,]+ @ 0x"  # start of a line that FFmpeg prints
MAX_DECODED_AHEAD = 64  # frames; FFmpeg's threads may complain this many frames early


class VideoSource(Source):
    """Reads every frame of a video file, or of a recording at an address, with square pixels.

    `overheard` collects FFmpeg's messages. Only they reveal interlaced video: OpenCV 4.13 and newer
    return black or old frames and report success.
    """

    def __init__(self, name: str, capture: "cv2.VideoCapture", overheard: Overheard):
        super().__init__([Path(name)])
        self.name, self.capture, self.overheard = name, capture, overheard
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.said_rate = rate if 0 < rate <= MAX_RATE else 0.0  # 0: unknown
        self.usual = 1 / (self.said_rate or UNKNOWN_RATE)  # seconds from frame to frame
        self.promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)  # number of frames
        self.total = int(self.promised) if self.promised > 0 else None
        self.is_file = Path(name).is_file()  # an address or a named pipe can be read only once
        start = b""
        if self.is_file:
            with open(name, "rb") as file:
                start = file.read(4)
        self.is_mpeg, self.is_avi = start.startswith(MPEG), start.startswith(AVI)
        self.stretch = stretch_to_square_pixels(capture)
        self.count, self.last, self.problem = 0, 0.0, ""
        self.offset = 0.0  # seconds to add to a time stamp to get the frame's time
        whole = self.promised * self.usual if self.promised > 0 else MAX_UNKNOWN_GAP
        self.max_gap = MAX_MPEG_GAP if self.is_mpeg else max(whole, MAX_MPEG_GAP)
        self.complaint_at = -math.inf  # number of frames read at FFmpeg's last complaint
        self.prefetch: Prefetch | None = None

    @cached_property
    def info(self) -> VideoInfo:  # type: ignore[override]
        """Return the sound of the video, and a constant rate for its copy.

        If the video's rate varies, take the higher of the first frames' rate and the mean.
        """
        measured, rate = self._measure_rate(), self.said_rate or UNKNOWN_RATE
        if measured and not 0.9 < self.said_rate / measured < 1.1:
            mean = self.said_rate if self.said_rate <= MAX_VARYING_RATE else 0.0
            rate = constant_rate(max(measured, mean))
        return VideoInfo(rate, sound=self.name)

    def _measure_rate(self) -> float:
        """Return frames/s from the median distance of the first time stamps, or 0 if unknown."""
        if not self.is_file:
            return 0.0
        capture = open_capture(self.name)
        stamps: list[float] = []  # seconds
        while len(stamps) < STAMPS and capture.grab():
            stamps.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        capture.release()
        median = statistics.median(np.diff(stamps)) if len(stamps) > 1 else 0.0
        return 1 / median if median > 0 else 0.0

    @signals_held()  # a thread that `close` does not know could make Python abort at exit
    def frames(self) -> Iterator[Frame]:
        """Yield each frame with its media time, reading ahead. Later frames reuse its image."""
        self.prefetch = Prefetch(self._read())
        return iter(self.prefetch)

    def _read(self) -> Iterator[Frame]:
        # Buffers for the waiting frames, the one being read, the one in use and the one before it
        pictures: list[np.ndarray | None] = [None] * (AHEAD + 3)
        while True:
            number = self.count % len(pictures)
            there, picture = self.capture.read(pictures[number])
            complaint = self.overheard.take()
            if re.search(FFMPEG, complaint):
                self.complaint_at = self.count
            if INTERLACED in complaint:
                since = f" from {self.last:.1f} seconds on" if self.count else ""
                self.problem = f"interlaced{since}, which OpenCV {cv2.__version__} can't read"
                return
            if not there:
                self._end()
                return
            pictures[number] = picture
            if self.stretch != (1, 1):
                picture = cv2.resize(picture, None, fx=self.stretch[0], fy=self.stretch[1])
            yield Frame(picture, self._next_time())

    def _next_time(self) -> float:
        """Return the media time of the frame just read. It is always later than the last one's.

        Some files have no time stamps. Others hold two recordings, one after the other.
        """
        seconds = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 + self.offset
        if self.count and not 0 < seconds - self.last <= self.max_gap:
            self.offset += self.last + self.usual - seconds
            seconds = self.last + self.usual
        self.count, self.last = self.count + 1, max(seconds, 0.0)
        return self.last

    def _end(self) -> None:
        """Set the end of the last frame, or the problem if the file is damaged."""
        # Only an AVI states its exact number of frames. An MP4 may be trimmed, and other formats
        # guess from the longest stream. But FFmpeg complains about a truncated file
        complained = self.count - self.complaint_at <= MAX_DECODED_AHEAD and not self.is_mpeg
        if not self.count:
            self.problem = f"OpenCV {cv2.__version__} can't read any frame of it"
        elif self.count < self.promised - 1 and (complained or self.is_avi):
            promised = self.promised * self.usual
            self.problem = f"damaged, only {self.last:.1f} of {promised:.1f} seconds can be read"
        else:
            self.end = self.last + min(self.usual, MAX_LAST)

    def close(self) -> None:
        if not self.prefetch or self.prefetch.close():
            self.capture.release()

    def raise_read_errors(self) -> None:
        """Raise UserError if the video is damaged, or interlaced so that OpenCV can't read it."""
        name = without_secrets(self.name)
        if self.problem.startswith(INTERLACED):
            new = Path(Path(name).name).with_suffix(".progressive.mp4")
            mend = shell_line(["ffmpeg", "-i", name, "-vf", "bwdif=send_frame", str(new)])
            fail(name, self.problem, f"make it progressive with `{mend}`")
        if self.problem:
            fail(name, self.problem, "convert it with ffmpeg, or download it again")


def constant_rate(rate: float) -> float:
    """Return the frames/s for a copy of a video with a varying rate, mostly `rate`.

    The bounds keep frames close to their original times, and the copy small.
    """
    return min(max(rate, MIN_RATE), MAX_VARYING_RATE)


def stretch_to_square_pixels(capture: "cv2.VideoCapture") -> tuple[float, float]:
    """Return the factors for width and height, at least 1, that make pixels square."""
    width = capture.get(cv2.CAP_PROP_SAR_NUM) or 1.0
    height = capture.get(cv2.CAP_PROP_SAR_DEN) or 1.0
    # OpenCV rotates videos from phones, which swaps width and height
    turned = capture.get(cv2.CAP_PROP_ORIENTATION_META) % 180 == 90
    ratio = height / width if turned else width / height
    if not 1 / MAX_STRETCH < ratio < MAX_STRETCH or abs(ratio - 1) < 0.005:
        return 1, 1
    return max(ratio, 1), max(1 / ratio, 1)
