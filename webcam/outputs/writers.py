"""Where results go: annotated pictures and the table of faces. (Videos: recorder.py.)"""

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
from common.errors import fail, utf8_name
from webcam.analysis.analyzer import Face
from webcam.sources.frame import Frame
from webcam.sources.images import ImageSource
from webcam.sources.web import without_secrets

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}  # that are written


def check_writable(path: Path, sources: list[Path], option: str) -> None:
    """Raise UserError when no file can be written at `path`, or it would replace a source.

    `option` is the one that `path` was given by.
    """
    utf8_name(path)
    if not path.parent.is_dir():
        folder = without_secrets(str(path.parent))
        fail(f"{folder}: no such folder; make it, or choose another {option}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        fail(f"{path}: can't be written; choose another {option}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        fail(f"{path}: is the source itself; choose another {option}")


def temporary_path(path: Path) -> Path:
    """Return where a file is made before it is moved to `path`, whole."""
    return path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")


def stamped(what: str, suffix: str) -> Path:
    """Return a name in the working folder that holds the time of day, in milliseconds."""
    return Path(f"{what}-{datetime.now():%Y%m%d-%H%M%S-%f}"[:-3] + suffix)


def write_image(path: Path, picture: np.ndarray) -> None:
    """Write a picture, whole or not at all; raises OSError."""
    try:
        with quiet():
            whole = cv2.imwrite(utf8_name(temporary_path(path)), picture)
        if not whole:
            raise OSError(0, "can't be written", str(path))
        os.replace(temporary_path(path), path)
    finally:
        temporary_path(path).unlink(missing_ok=True)


def picture_name(source: str) -> str:
    """Return the file name of the annotated copy of a picture: its own, if that can be written."""
    name = Path(source).name
    return name if Path(name).suffix.lower() in IMAGE_SUFFIXES else f"{name}.png"


class ImageWriter:
    """Annotated pictures: one into a file, many into a folder, each under its own name."""

    def __init__(self, path: Path | None, source: ImageSource):
        self.path, self.many = path, source.many
        self.written: list[Path] = []
        self.notes: list[str] = []  # as of videos
        if not path:
            return
        if not self.many:
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                endings = " ".join(sorted(IMAGE_SUFFIXES))
                fail(f"{path}: unknown ending for a picture; use one of {endings}")
            check_writable(path, source.paths, "--output")
            return
        if path.exists() and not path.is_dir():
            fail(f"{path}: a file, for {len(source.paths)} pictures; give a folder to --output")
        if not path.parent.is_dir():
            fail(f"{path.parent}: no such folder; make it, or choose another --output")
        # Of some file systems A.jpg and a.jpg are one
        names = [picture_name(name) for name in source.names]
        often = Counter(name.casefold() for name in names)
        if double := next((name for name in names if often[name.casefold()] > 1), None):
            fail(f"{double}: the name of two pictures for {path}; rename one")
        folders = {file.parent for file in source.paths}
        if path.is_dir() and any(path.samefile(folder) for folder in folders):
            fail(f"{path}: holds the sources themselves; choose another --output")

    @property
    def active(self) -> bool:
        """Whether pictures are wanted."""
        return self.path is not None

    def skip_pause(self) -> None:
        """Pictures have no time."""

    def write(self, picture: np.ndarray, frame: Frame) -> None:
        """Write an annotated picture, whole or not at all. Raises OSError."""
        if self.path is None:
            return
        if self.many:
            self.path.mkdir(exist_ok=True)
        write_image(self.path / picture_name(frame.tag) if self.many else self.path, picture)
        if self.path not in self.written:
            self.written.append(self.path)

    def close(self) -> None:
        """Nothing is left to do."""


class CsvWriter:
    """The CSV, a row per face and frame, on disk within a second; nothing without a path.

    `tag_column` names a last column, for the tags of the frames; `paths` are the sources' files,
    which are not replaced.
    """

    def __init__(
        self, path: Path | None, emotions: list[str], tag_column: str | None, paths: list[Path]
    ):
        if path:
            check_writable(path, paths, "--csv")
            if path.suffix.lower() != ".csv":
                fail(f"{path}: no table's name; give --csv a name that ends with .csv")
        self.path, self.tag_column, self.file = path, tag_column, None
        self.columns = ["frame", "time", "face", "x", "y", "width", "height", "emotion"]
        self.columns += ["confidence", *emotions] + ([tag_column] if tag_column else [])
        self.written: list[Path] = []

    def write(self, number: int, frame: Frame, faces: list[Face]) -> None:
        """Write the faces of frame `number`, counted from 0. Raises OSError that names the file."""
        if self.path is None:
            return
        with self._naming():
            if self.file is None:  # not before: a source without frames leaves an earlier table
                self._open()
            start = [number, f"{frame.seconds or 0:.3f}"]
            tag = [frame.tag] if self.tag_column else []
            for face in faces:
                values = [f"{value:.4f}" for value in (face.confidence, *face.probabilities)]
                self.rows.writerow([*start, face.track_id, *face.box, face.emotion, *values, *tag])
            if time.monotonic() - self.flushed > 0.5:
                self.file.flush()
                self.flushed = time.monotonic()

    def close(self) -> None:
        """Bring the last rows to the disk. Raises OSError that names the file."""
        if self.file is not None:
            with self._naming():
                self.file.close()

    def _open(self) -> None:
        self.file, self.flushed = self.path.open("w", newline="", encoding="utf-8"), 0.0
        self.rows = csv.writer(self.file, lineterminator="\n")
        self.rows.writerow(self.columns)
        self.written.append(self.path)

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Say for which file the disk is full."""
        try:
            yield
        except OSError as error:
            error.filename = str(self.path)
            raise
