"""Annotated frames into videos."""

import os
from datetime import datetime
from pathlib import Path
from typing import NoReturn, TextIO

import cv2
import numpy as np

from common.errors import fail, printable
from webcam.analysis.analyzer import Face
from webcam.outputs import ffmpeg
from webcam.outputs.encoder import Encoder
from webcam.outputs.files import check_writable, open_alone
from webcam.outputs.sink import Annotate, Sink
from webcam.sources.camera import CAMERA_TIMEOUT
from webcam.sources.frame import Frame, Source, VideoInfo
from webcam.sources.names import utf8_name, without_secrets

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG", ".webm": "VP80"}


class Recording:
    """One video file, from its first image to its end: made beside its place, moved there when whole.

    Until then it is NAME.partial.mp4, which stays if the run is killed.
    Its rate is constant. Each image is held until the time of the next one, and must not change
    until that has been added.
    """

    def __init__(self, path: Path, info: VideoInfo, image: np.ndarray, seconds: float):
        self.path, self.info, self.began = path, info, seconds
        self.held = pad_to_even(image)  # the image that is still to be written
        self.size = self.held.shape[1], self.held.shape[0]
        self.paused = False  # since that image
        self.count = 0  # frames written
        self.part = partial_path(path)
        self.lock = open_part(self.part, path)
        fourcc = cv2.VideoWriter_fourcc(*CODECS[path.suffix.lower()])  # type: ignore[attr-defined]
        try:
            writer = cv2.VideoWriter(utf8_name(self.part), fourcc, info.rate, self.size)
            if not writer.isOpened():
                self._fail()
        except BaseException:  # Ctrl-C too
            self.lock.close()
            self.part.unlink(missing_ok=True)
            raise
        self.encoder = Encoder(writer)

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Add an image, which is shown from `seconds` on."""
        image = pad_to_even(image)
        if image.shape[1::-1] != self.size:  # a camera that came back may have another size
            image = cv2.resize(image, self.size)
        if self.paused:  # the image before lasts for one frame
            self._hold_until(self.count + 1)
            self.began = seconds - self.count / self.info.rate
        self.paused = False
        self._hold_until(round((seconds - self.began) * self.info.rate))
        self.held = image

    def _hold_until(self, count: int) -> None:
        """Write the image that is held until there are `count` frames."""
        too_many = count - self.count - int(CAMERA_TIMEOUT * self.info.rate) - 1
        if self.info.live and too_many > 0:  # the computer has slept
            self.began += too_many / self.info.rate
            count -= too_many
        while self.count < count:
            self.encoder.write(self.held)
            self.count += 1

    def finish(self, end: float | None) -> None:
        """Write the last image, which lasts until `end` or for one frame; move the video to its place.

        Raises UserError when not all could be written.
        """
        last = 0 if end is None else round((end - self.began) * self.info.rate)
        self._hold_until(max(last, self.count + 1))
        self.encoder.release()
        self.lock.close()
        # The writer never says that it failed, not even on a full disk
        if cv2.VideoCapture(str(self.part)).get(cv2.CAP_PROP_FRAME_COUNT) < self.count:
            if cv2.VideoCapture(str(self.part)).read()[0]:
                self._fail(f"; its beginning is in {self.part.name}")
            self.part.unlink(missing_ok=True)
            self._fail()
        os.replace(self.part, self.path)

    def convert(self, sound_start: float | None, whole: bool, h264: bool) -> list[str]:
        """Bring in the source's sound, and H.264 if asked for; return notes on failures.

        The sound begins at `sound_start` in the source, None if it has none. It is cut to the length
        of the video, unless that is a copy of the `whole` source.
        """
        name, sound, notes = self.info.sound, None, []
        if name and sound_start is not None:
            sound = name, sound_start + self.began
        elif name and not ffmpeg.is_there():
            mend = ffmpeg.sound_command(self.path, without_secrets(name), self.began)
            wrong = (
                f"{self.path}: without ffmpeg on the PATH the sound is left out, if there is any"
            )
            notes.append(f"{wrong}; to bring it in: `{mend}`")
        seconds = None if whole else self.count / self.info.rate
        if (sound or h264) and (lost := ffmpeg.finish(self.path, seconds, sound, h264)):
            notes.append(f"{self.path} has no {lost}: ffmpeg failed at that")
        return [printable(note) for note in notes]

    def _fail(self, kept: str = "") -> NoReturn:
        wrong = f"can't be written (disk full, or a codec is missing){kept}"
        fail(self.path, wrong, "choose another --output")


class VideoRecorder(Sink):
    """Annotated frames into a video at `path`, and into those that are started later.

    With `h264` ffmpeg makes them H.264, which browsers play. Raises UserError when that or writing
    at `path` is impossible.
    """

    def __init__(self, path: Path | None, source: Source, annotate: Annotate, h264: bool = False):
        super().__init__()
        if path:
            if path.suffix.lower() not in CODECS:
                name, endings = without_secrets(str(path)), " ".join(sorted(CODECS))
                fail(name, "unknown ending for a video", f"use one of {endings}")
            for place in (path, partial_path(path)):
                check_writable(place, source.paths, "--output")
        if h264:
            ffmpeg.check_h264(path or Path("recording.mp4"))
        self.source, self.annotate, self.h264 = source, annotate, h264
        self.path = path  # of the video that is under way, or that begins with the next frame
        self.recording: Recording | None = None
        self.ended: float | None = None  # when the source's last frame ends, once it has come

    @property
    def active(self) -> bool:
        """Whether frames are recorded."""
        return self.path is not None

    def start(self, path: Path) -> None:
        """Begin a video with the next frame."""
        self.path = path

    def write(self, frame: Frame, faces: list[Face]) -> None:
        """Add a frame to the video that is under way, if one is."""
        if self.path is None:
            return
        image = self.annotate(frame, faces)
        if self.recording is None:
            self.recording = Recording(self.path, self.source.info, image, frame.seconds)
        else:
            self.recording.write(image, frame.seconds)

    def skip_pause(self) -> None:
        """Leave out the time that passes until the next frame; the time of a file stands still."""
        if self.recording:
            self.recording.paused = self.recording.info.live

    def stop(self) -> Path | None:
        """End the video that is under way; return its path, None where there was no frame."""
        path, recording = self.path, self.recording
        sound_start, seconds = ffmpeg.probe(recording.info.sound if recording else None)
        self.path = self.recording = None
        if recording is None:
            return None
        whole = self.ended is not None
        # A file may tell how long its last frame is shown
        recording.finish((seconds or self.ended) if whole else None)
        self.written.append(recording.path)
        self.notes += recording.convert(sound_start, whole, self.h264)
        return path

    def end(self, seconds: float | None) -> None:
        """Finish the video, since a window may stay open."""
        self.ended = seconds
        self.stop()

    def close(self) -> None:
        self.stop()


def open_part(part: Path, path: Path) -> TextIO:
    """Open the place of an unfinished video for this run alone, and keep what a killed run left there.

    Prints a line then. Raises UserError while another run makes the video `path`, or if something
    else than a file is in its place.
    """
    if os.path.lexists(part) and not part.is_file():
        fail(part, "in the way of an unfinished video", "remove it")
    lock = open_alone(part, path, "--output")
    if part.stat().st_size:
        lock.close()
        left = datetime.fromtimestamp(part.stat().st_mtime)
        kept = part.with_stem(f"{part.stem}-{left:%Y%m%d-%H%M%S}")
        part.rename(kept)
        print(printable(f"{part.name} is left of an earlier run, and kept as {kept.name}"))
        lock = open_alone(part, path, "--output")
    return lock


def partial_path(path: Path) -> Path:
    """Return the place where a video is made; absolute, since FFmpeg takes `a:b.mp4` for a protocol."""
    return path.absolute().with_stem(f"{path.stem}.partial")


def pad_to_even(image: np.ndarray) -> np.ndarray:
    """Return an image with even sides, its last row and column repeated: codecs would cut them off."""
    rows, columns = image.shape[0] % 2, image.shape[1] % 2
    if not rows and not columns:
        return image
    return cv2.copyMakeBorder(image, 0, rows, 0, columns, cv2.BORDER_REPLICATE)
