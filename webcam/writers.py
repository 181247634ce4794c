"""Where results go: annotated videos and pictures, and the table of faces."""

import contextlib
import csv
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np

from common.console import quiet
from common.errors import fail
from webcam.sources import CAMERA_TIMEOUT, IMAGE_SUFFIXES, CameraSource, ImageSource, VideoSource
from webcam.tracker import Face

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}


def refuse_path(path: Path, sources: list[Path], option: str) -> None:
    """Fail when a file can't be written at `path`, or would replace one of the sources."""
    if not path.parent.is_dir():
        fail(f"{path.parent}: no such folder; make it, or choose another {option}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        fail(f"{path}: can't be written; choose another {option}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        fail(f"{path}: is the source itself; choose another {option}")


def temporary_path(path: Path) -> Path:
    """Return where a file is made before it is moved to `path`, whole."""
    return path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")


def stamped(what: str, suffix: str) -> Path:
    return Path(f"{what}-{datetime.now():%Y%m%d-%H%M%S-%f}"[:-3] + suffix)


def write_picture(path: Path, frame: np.ndarray) -> None:
    """Write a picture, whole or not at all; raises OSError."""
    try:
        with quiet():
            whole = cv2.imwrite(str(temporary_path(path)), frame)
        if not whole:
            raise OSError(0, "can't be written", str(path))
        os.replace(temporary_path(path), path)
    finally:
        temporary_path(path).unlink(missing_ok=True)


class VideoRecorder:
    """Annotated frames into videos, each written beside its place and moved there once it is whole."""

    def __init__(self, path: Path | None, source: VideoSource | CameraSource):
        self.source, self.path, self.writer, self.written = source, None, None, []
        if path:
            if path.suffix.lower() not in CODECS:
                fail(f"{path}: unknown ending for a video; use one of {' '.join(sorted(CODECS))}")
            refuse_path(path, [Path(source.name)], "--output")
            self.start(path)

    def start(self, path: Path) -> None:
        self.path, self.writer, self.count, self.resumed = path, None, 0, False

    def write(self, frame: np.ndarray, seconds: float) -> None:
        """Add a frame, as often as makes the video last as long as the source does; of a file at least once."""
        if self.writer is None:
            code, self.size, self.began = CODECS[self.path.suffix.lower()], frame.shape[1::-1], seconds
            self.part = temporary_path(self.path.absolute())  # FFmpeg takes `a:b.mp4` for a protocol
            self.writer = cv2.VideoWriter(
                str(self.part), cv2.VideoWriter_fourcc(*code), self.source.rate, self.size
            )  # fmt: skip
            if not self.writer.isOpened():
                self.finish(False)
        if frame.shape[1::-1] != self.size:  # a camera that came back may have another size
            frame = cv2.resize(frame, self.size)
        times = round((seconds - self.began) * self.source.rate) + 1 - self.count
        times = min(max(times, 0 if self.source.live else 1), int(CAMERA_TIMEOUT * self.source.rate) + 1)
        if self.resumed:  # the time of a pause is left out
            self.began, times, self.resumed = seconds - self.count / self.source.rate, 1, False
        for _ in range(times):
            self.writer.write(frame)
        self.count += times

    def finish(self, whole: bool) -> None:
        path, self.path = self.path, None
        if whole:
            os.replace(self.part, path)
            self.written.append(path)
            return
        kept = ""
        if cv2.VideoCapture(str(self.part)).read()[0]:
            self.part.rename(path.with_stem(f"{path.stem}.partial"))
            kept = f"; its beginning is in {path.stem}.partial{path.suffix}"
        self.part.unlink(missing_ok=True)
        fail(f"{path}: can't be written (disk full, or a codec is missing){kept}; choose another --output")

    def close(self) -> bool:
        """End the recording that is under way; return whether there was one with a frame."""
        if self.path and self.writer is not None:
            self.writer.release()
            # The writer never says that it failed, on a full disk neither: see how many frames have arrived. There may
            # be more than were counted, where Ctrl-C came between the writing and the counting
            self.finish(cv2.VideoCapture(str(self.part)).get(cv2.CAP_PROP_FRAME_COUNT) >= self.count)
            return True
        self.path = None
        return False


class ImageWriter:
    """Annotated pictures: into one file for one picture, into a folder, under their own names, for more."""

    def __init__(self, path: Path | None, source: ImageSource):
        self.path, self.source, self.written = path, source, []
        if not path:
            return
        if not source.many:
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                fail(f"{path}: unknown ending for a picture; use one of {' '.join(sorted(IMAGE_SUFFIXES))}")
            refuse_path(path, source.paths, "--output")
            return
        if path.exists() and not path.is_dir():
            fail(f"{path}: a file, for {len(source.paths)} pictures; give a folder to --output")
        if not path.parent.is_dir():
            fail(f"{path.parent}: no such folder; make it, or choose another --output")
        doubles = [name for name, n in Counter(file.name for file in source.paths).items() if n > 1]
        if doubles:
            fail(f"{doubles[0]}: the name of two pictures; they can't both go into {path}")
        if path.is_dir() and any(path.samefile(folder) for folder in {file.parent for file in source.paths}):
            fail(f"{path}: holds the sources themselves; choose another --output")

    def write(self, frame: np.ndarray, seconds: float) -> None:
        if self.source.many:
            self.path.mkdir(exist_ok=True)
        write_picture(self.path / Path(self.source.name).name if self.source.many else self.path, frame)
        if self.path not in self.written:
            self.written.append(self.path)

    def close(self) -> None:
        """Nothing is left to do."""


class CsvWriter:
    """The CSV, a row per face and frame, on disk within a second."""

    def __init__(self, path: Path, source: ImageSource | VideoSource | CameraSource, emotions: list[str]):
        sources = source.paths if source.still else [Path(source.name)]
        refuse_path(path, sources, "--csv")
        if path.suffix.lower() != ".csv":
            fail(f"{path}: no table's name; give --csv a name that ends with .csv")
        self.path, self.source, self.emotions, self.file = path, source, emotions, None
        self.extra = "clock" if source.live else "file" if source.still and source.many else None

    @contextlib.contextmanager
    def naming(self) -> Iterator[None]:
        """Say for which file the disk is full."""
        try:
            yield
        except OSError as error:
            error.filename = str(self.path)
            raise

    def write(self, number: int, seconds: float, faces: list[Face]) -> None:
        if self.file is None:  # not before the first frame: a source without frames leaves an earlier table as it is
            self.file, self.flushed = self.path.open("w", newline="", encoding="utf-8"), 0.0
            self.began = time.time() - seconds
            self.rows = csv.writer(self.file, lineterminator="\n")
            names = ["frame", "time", "face", "x", "y", "width", "height", "emotion", "confidence", *self.emotions]
            self.rows.writerow(names + [self.extra] * bool(self.extra))
        extra = [self.source.name] * bool(self.extra)
        if self.source.live:
            extra = [datetime.fromtimestamp(self.began + seconds).astimezone().isoformat(timespec="milliseconds")]
        with self.naming():
            for face in faces:
                x, y, side = face.corners()
                row = face.probabilities
                values = [f"{value:.4f}" for value in (row.max(), *row)]
                emotion = self.emotions[row.argmax()]
                start = [number, f"{seconds:.3f}", face.track_id, x, y, side, side]
                self.rows.writerow([*start, emotion, *values, *extra])
            if time.monotonic() - self.flushed > 0.5:
                self.file.flush()
                self.flushed = time.monotonic()

    def close(self) -> None:
        if self.file is not None:
            with self.naming():
                self.file.close()
