"""Write annotated frames into videos."""

import os
from datetime import datetime
from pathlib import Path
from typing import NoReturn, TextIO

import cv2
import numpy as np

from common.errors import fail, printable
from common.stopping import signals_held
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
    """Writes one video file with a constant frame rate.

    The video is NAME.partial.mp4 until it is complete, and keeps that name if the run is killed.
    Each image is repeated until the time of the next one. The caller must not change it until then.
    """

    def __init__(self, path: Path, info: VideoInfo, image: np.ndarray, seconds: float):
        self.path, self.info, self.began = path, info, seconds
        self.held = pad_to_even(image)  # the next image to write
        self.size = self.held.shape[1], self.held.shape[0]
        self.paused = False  # whether there was a pause after that image
        self.count = 0  # written frames
        self.part = partial_path(path)
        self.lock = open_part(self.part, path)
        fourcc = cv2.VideoWriter_fourcc(*CODECS[path.suffix.lower()])  # type: ignore[attr-defined]
        try:
            writer = cv2.VideoWriter(utf8_name(self.part), fourcc, info.rate, self.size)
            if not writer.isOpened():
                self._fail()
        except BaseException:
            self.lock.close()
            self.part.unlink(missing_ok=True)
            raise
        self.encoder = Encoder(writer)

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Add an image that is shown from `seconds` on."""
        image = pad_to_even(image)
        if image.shape[1::-1] != self.size:  # a camera that reconnects may have another size
            image = cv2.resize(image, self.size)
        if self.paused:  # the previous image lasts for one frame
            self._hold_until(self.count + 1)
            self.began = seconds - self.count / self.info.rate
        self.paused = False
        self._hold_until(round((seconds - self.began) * self.info.rate))
        self.held = image

    def _hold_until(self, count: int) -> None:
        """Repeat the held image until there are `count` frames."""
        too_many = count - self.count - int(CAMERA_TIMEOUT * self.info.rate) - 1
        if self.info.live and too_many > 0:  # the computer was asleep
            self.began += too_many / self.info.rate
            count -= too_many
        while self.count < count:
            self.encoder.write(self.held)
            self.count += 1

    def finish(self, end: float | None) -> None:
        """Write the last image and move the video to its final path.

        The image lasts until `end`, or for one frame if that is None. Raises UserError if the video
        is not complete.
        """
        last = 0 if end is None else round((end - self.began) * self.info.rate)
        self._hold_until(max(last, self.count + 1))
        self.encoder.release()
        self.lock.close()
        # The writer never reports a failure, not even on a full disk
        if cv2.VideoCapture(str(self.part)).get(cv2.CAP_PROP_FRAME_COUNT) < self.count:
            if cv2.VideoCapture(str(self.part)).read()[0]:
                self._fail(f"; its beginning is in {self.part.name}")
            self.part.unlink(missing_ok=True)
            self._fail()
        os.replace(self.part, self.path)

    def convert(self, sound_start: float | None, whole: bool, h264: bool) -> list[str]:
        """Add the source's sound, and convert to H.264 if asked; return notes on failures.

        The sound begins at `sound_start` in the source; None means no sound. It is cut to the
        video's length, unless the video is a copy of the `whole` source.
        """
        name, sound, notes = self.info.sound, None, []
        if name and sound_start is not None:
            sound = name, sound_start + self.began
        elif name and not ffmpeg.is_there():
            mend = ffmpeg.sound_command(self.path, without_secrets(name), self.began)
            wrong = f"{self.path}: any sound is missing, because ffmpeg is not on the PATH"
            notes.append(f"{wrong}; add it with `{mend}`")
        seconds = None if whole else self.count / self.info.rate
        if (sound or h264) and (lost := ffmpeg.finish(self.path, seconds, sound, h264)):
            notes.append(f"{self.path} has no {lost}, because ffmpeg failed")
        return [printable(note) for note in notes]

    def _fail(self, kept: str = "") -> NoReturn:
        wrong = f"can't be written (disk full, or a codec is missing){kept}"
        fail(self.path, wrong, "choose another --output")


class VideoRecorder(Sink):
    """Writes annotated frames into a video at `path`, and into further videos after `start`.

    With `h264`, ffmpeg converts them to H.264, which browsers play. Raises UserError if that is
    impossible or `path` can't be written.
    """

    def __init__(self, path: Path | None, source: Source, annotate: Annotate, h264: bool = False):
        super().__init__()
        if path:
            if path.suffix.lower() not in CODECS:
                name, endings = without_secrets(str(path)), " ".join(sorted(CODECS))
                fail(name, "unknown file extension for a video", f"use one of {endings}")
            for place in (path, partial_path(path)):
                check_writable(place, source.paths, "--output")
        if h264:
            ffmpeg.check_h264(path or Path("recording.mp4"))
        self.source, self.annotate, self.h264 = source, annotate, h264
        self.path = path  # of the current video, or of the one that begins with the next frame
        self.recording: Recording | None = None
        self.ended: float | None = None  # end of the source's last frame, in seconds, once known

    @property
    def active(self) -> bool:
        """Return whether frames are being recorded."""
        return self.path is not None

    def start(self, path: Path) -> None:
        """Begin a video with the next frame."""
        self.path = path

    @signals_held()  # Ctrl-C here would leave a file that nobody can finish
    def write(self, frame: Frame, faces: list[Face]) -> None:
        """Add a frame to the current video, if there is one."""
        if self.path is None:
            return
        image = self.annotate(frame, faces)
        if self.recording is None:
            self.recording = Recording(self.path, self.source.info, image, frame.seconds)
        else:
            self.recording.write(image, frame.seconds)

    def skip_pause(self) -> None:
        """Leave out the time until the next frame. A file's time does not advance in a pause."""
        if self.recording:
            self.recording.paused = self.recording.info.live

    @signals_held()
    def stop(self) -> Path | None:
        """End the current video; return its path, or None if it has no frame."""
        path, recording = self.path, self.recording
        sound_start, seconds = ffmpeg.probe(recording.info.sound if recording else None)
        self.path = self.recording = None
        if recording is None:
            return None
        whole = self.ended is not None
        # Some files say how long their last frame is shown
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
    """Open and lock the path of an unfinished video, `part`.

    If a killed run left a file there, this renames it and prints a line. Raises UserError if
    another run is writing the video `path`, or if `part` is not a file.
    """
    if os.path.lexists(part) and not part.is_file():
        fail(part, "not a file, but the unfinished video needs this name", "remove it")
    lock = open_alone(part, path, "--output")
    if part.stat().st_size:
        lock.close()
        left = datetime.fromtimestamp(part.stat().st_mtime)
        kept = part.with_stem(f"{part.stem}-{left:%Y%m%d-%H%M%S}")
        part.rename(kept)
        print(printable(f"{part.name} is from an earlier run; kept as {kept.name}"))
        lock = open_alone(part, path, "--output")
    return lock


def partial_path(path: Path) -> Path:
    """Return the path of an unfinished video.

    It is absolute, since FFmpeg takes the `a` of `a:b.mp4` for a protocol.
    """
    return path.absolute().with_stem(f"{path.stem}.partial")


def pad_to_even(image: np.ndarray) -> np.ndarray:
    """Repeat the last row or column of an image with odd sides: codecs would cut it off."""
    rows, columns = image.shape[0] % 2, image.shape[1] % 2
    if not rows and not columns:
        return image
    return cv2.copyMakeBorder(image, 0, rows, 0, columns, cv2.BORDER_REPLICATE)
