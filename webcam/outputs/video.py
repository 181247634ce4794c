"""Annotated frames into videos."""

import os
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail, printable
from webcam.outputs import ffmpeg
from webcam.outputs.files import check_writable, temporary_path
from webcam.sources.camera import CAMERA_TIMEOUT
from webcam.sources.frame import Frame
from webcam.sources.names import utf8_name, without_secrets
from webcam.sources.open import Source

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG", ".webm": "VP80"}


class VideoRecorder:
    """Annotated frames into videos, each written beside its place and moved there once it is whole.

    A video has a constant rate, that of its source, and lasts as long as that does: each picture is
    held until the time of the next one. With `h264` ffmpeg makes it H.264, which browsers play.
    """

    def __init__(self, path: Path | None, source: Source, h264: bool = False):
        self.source, self.h264 = source, h264
        self.path: Path | None = None
        self.writer: cv2.VideoWriter | None = None
        self.written: list[Path] = []
        self.notes: list[str] = []  # what the user should know of the videos
        if path:
            if path.suffix.lower() not in CODECS:
                name = without_secrets(str(path))
                fail(f"{name}: unknown ending for a video; use one of {' '.join(sorted(CODECS))}")
            check_writable(path, source.paths, "--output")
        if h264:
            ffmpeg.check_h264(path or Path("recording.mp4"))
        if path:
            self.start(path)

    @property
    def active(self) -> bool:
        """Whether frames are wanted."""
        return self.path is not None

    def start(self, path: Path) -> None:
        """Begin a video with the next frame."""
        self.path, self.writer, self.count, self.paused = path, None, 0, False
        self.held: np.ndarray | None = None  # the picture that is still to be written
        self.total: int | None = None  # frames in all, once the recording ends

    def skip_pause(self) -> None:
        """Leave out the time that passes until the next frame; the time of a file stands still."""
        self.paused = self.source.live

    def write(self, picture: np.ndarray, frame: Frame) -> None:
        """Add an annotated frame; `picture` must stay as it is until the next one has been added."""
        if self.path is None:
            return
        rows, columns = picture.shape[0] % 2, picture.shape[1] % 2
        if rows or columns:  # which the codecs would cut off
            picture = cv2.copyMakeBorder(picture, 0, rows, 0, columns, cv2.BORDER_REPLICATE)
        if self.writer is None:
            self._open(picture.shape[1::-1], frame.seconds)
        if picture.shape[1::-1] != self.size:  # a camera that came back may have another size
            picture = cv2.resize(picture, self.size)
        if self.paused:  # the picture before lasts for one frame
            self._hold_until(self.count + 1)
            self.began = frame.seconds - self.count / self.rate
        self.paused = False
        self._hold_until(round((frame.seconds - self.began) * self.rate))
        self.held = picture

    def _hold_until(self, count: int) -> None:
        """Write the picture that is held until there are `count` frames."""
        if self.held is None:
            return
        too_many = count - self.count - int(CAMERA_TIMEOUT * self.rate) - 1
        if self.source.live and too_many > 0:  # the computer has slept
            self.began += too_many / self.rate
            count -= too_many
        while self.count < count:
            self.writer.write(self.held)
            self.count += 1

    def _open(self, size: tuple[int, int], seconds: float) -> None:
        code, self.size, self.began = CODECS[self.path.suffix.lower()], size, seconds
        self.rate = self.source.rate
        self.part = temporary_path(self.path.absolute())  # FFmpeg takes `a:b.mp4` for a protocol
        fourcc = cv2.VideoWriter_fourcc(*code)
        self.writer = cv2.VideoWriter(utf8_name(self.part), fourcc, self.rate, size)
        if not self.writer.isOpened():
            self._keep_part()

    def stop(self) -> Path | None:
        """End the recording that is under way; return its path, None where there was no frame.

        After Ctrl-C in the middle it can be called again.
        """
        path = self.path
        if path is None or self.writer is None:
            self.path = None
            return None
        if self.held is None:  # Ctrl-C came before the first frame was taken
            self.writer.release()
            self.part.unlink(missing_ok=True)
            self.path = None
            return None
        streams = ffmpeg.probe(self.source.sound)
        if self.total is None:
            end = self.source.end
            if end is not None and streams.seconds:  # it tells how long the last picture is shown
                end = streams.seconds
            last = round((end - self.began) * self.rate) if end is not None else 0
            self.total = max(last, self.count + 1)
        self._hold_until(self.total)
        self.writer.release()
        # The writer never says that it failed, on a full disk neither: see how many frames have
        # arrived. There may be more than were counted, where Ctrl-C came between the writing and
        # the counting
        arrived = cv2.VideoCapture(str(self.part)).get(cv2.CAP_PROP_FRAME_COUNT)
        if arrived < self.count:
            self._keep_part()
        os.replace(self.part, path)
        self.written.append(path)
        self.path = None
        self._finish(path, streams)
        return path

    def _finish(self, path: Path, streams: ffmpeg.Streams) -> None:
        """Bring in the sound of the source, and H.264 where that was asked for, if ffmpeg is there.

        What can't be had is noted.
        """
        name, sound = self.source.sound, None
        if streams.sound_start is not None:
            sound = (name, streams.sound_start + self.began)
        elif name and not ffmpeg.is_there():
            mend = ffmpeg.sound_command(path, without_secrets(name), self.began)
            self._note(
                f"{path} has no sound: without ffmpeg on the PATH that is left out; "
                f"if there is any, bring it in with `{mend}`"
            )
        if sound or self.h264:
            # Of a source that has come to its end the sound is not cut either
            seconds = self.count / self.rate if self.source.end is None else None
            lost = ffmpeg.finish(path, seconds, sound, self.h264)
            if lost:
                self._note(f"{path} has no {lost}: ffmpeg failed at that")

    def _note(self, note: str) -> None:
        self.notes.append(printable(note))

    def close(self) -> None:
        """End what is under way."""
        self.stop()

    def _keep_part(self) -> None:
        """Keep what can be played of a video that could not be written, and raise UserError."""
        path, self.path, kept = self.path, None, ""
        if cv2.VideoCapture(str(self.part)).read()[0]:
            os.replace(self.part, path.with_stem(f"{path.stem}.partial"))
            kept = f"; its beginning is in {path.stem}.partial{path.suffix}"
        self.part.unlink(missing_ok=True)
        what = "can't be written (disk full, or a codec is missing)"
        fail(f"{path}: {what}{kept}; choose another --output")
