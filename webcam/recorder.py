"""Annotated frames into videos."""

import os
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from webcam.camera import CAMERA_TIMEOUT
from webcam.frame import Frame
from webcam.writers import check_writable, temporary_path

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}


class VideoRecorder:
    """Annotated frames into videos, each written beside its place and moved there once it is whole.

    `rate` is the videos' frames/s. With `every_frame` no frame is left out; without, as for a
    camera, a frame that comes too early is. `paths` are the sources' files, which are not replaced.
    """

    def __init__(self, path: Path | None, rate: float, every_frame: bool, paths: list[Path]):
        self.rate, self.every_frame = rate, every_frame
        self.path: Path | None = None
        self.writer: cv2.VideoWriter | None = None
        self.written: list[Path] = []
        if path:
            if path.suffix.lower() not in CODECS:
                fail(f"{path}: unknown ending for a video; use one of {' '.join(sorted(CODECS))}")
            check_writable(path, paths, "--output")
            self.start(path)

    @property
    def active(self) -> bool:
        """Whether frames are wanted."""
        return self.path is not None

    def start(self, path: Path) -> None:
        """Begin a video with the next frame."""
        self.path, self.writer, self.count, self.paused = path, None, 0, False

    def skip_pause(self) -> None:
        """Leave out the time that passes until the next frame."""
        self.paused = True

    def write(self, picture: np.ndarray, frame: Frame) -> None:
        """Add an annotated frame, as often as makes the video last as long as the source does."""
        if self.path is None:
            return
        if self.writer is None:
            self._open(picture.shape[1::-1], frame.seconds)
        if picture.shape[1::-1] != self.size:  # a camera that came back may have another size
            picture = cv2.resize(picture, self.size)
        if self.paused:
            self.began, self.paused = frame.seconds - self.count / self.rate, False
        times = round((frame.seconds - self.began) * self.rate) + 1 - self.count
        times = min(max(times, 1 if self.every_frame else 0), int(CAMERA_TIMEOUT * self.rate) + 1)
        for _ in range(times):
            self.writer.write(picture)
        self.count += times

    def _open(self, size: tuple[int, int], seconds: float) -> None:
        code, self.size, self.began = CODECS[self.path.suffix.lower()], size, seconds
        self.part = temporary_path(self.path.absolute())  # FFmpeg takes `a:b.mp4` for a protocol
        fourcc = cv2.VideoWriter_fourcc(*code)
        self.writer = cv2.VideoWriter(str(self.part), fourcc, self.rate, size)
        if not self.writer.isOpened():
            self._keep_part()

    def stop(self) -> Path | None:
        """End the recording that is under way; return its path, None where there was no frame."""
        path, self.path = self.path, None
        if path is None or self.writer is None:
            return None
        self.writer.release()
        # The writer never says that it failed, on a full disk neither: see how many frames have
        # arrived. There may be more than were counted, where Ctrl-C came between the writing and
        # the counting
        if cv2.VideoCapture(str(self.part)).get(cv2.CAP_PROP_FRAME_COUNT) < self.count:
            self.path = path
            self._keep_part()
        os.replace(self.part, path)
        self.written.append(path)
        return path

    def close(self) -> None:
        """End what is under way."""
        self.stop()

    def _keep_part(self) -> None:
        """Keep what can be played of a video that could not be written, and raise UserError."""
        path, self.path, kept = self.path, None, ""
        if cv2.VideoCapture(str(self.part)).read()[0]:
            self.part.rename(path.with_stem(f"{path.stem}.partial"))
            kept = f"; its beginning is in {path.stem}.partial{path.suffix}"
        self.part.unlink(missing_ok=True)
        what = "can't be written (disk full, or a codec is missing)"
        fail(f"{path}: {what}{kept}; choose another --output")
