"""The table of faces."""

import contextlib
import csv
import time
from collections.abc import Iterator
from pathlib import Path

from common.errors import fail
from webcam.analysis.analyzer import Face
from webcam.outputs.files import check_writable
from webcam.sources.frame import Frame, Picture


class CsvWriter:
    """The CSV, a row per face and frame, on disk within a second; nothing without a path.

    `extra_column` is the last one: the clock of a camera, or the file of a picture. `paths` are the
    sources' files, which are not replaced.
    """

    def __init__(
        self, path: Path | None, emotions: list[str], extra_column: str | None, paths: list[Path]
    ):
        if path:
            check_writable(path, paths, "--csv")
            if path.suffix.lower() != ".csv":
                fail(f"{path}: no table's name; give --csv a name that ends with .csv")
        self.path, self.extra_column, self.file = path, extra_column, None
        self.columns = ["frame", "time", "face", "x", "y", "width", "height", "emotion"]
        self.columns += ["confidence", *emotions] + ([extra_column] if extra_column else [])
        self.written: list[Path] = []

    def write(self, number: int, frame: Frame | Picture, faces: list[Face]) -> None:
        """Write the faces of frame `number`, counted from 0. Raises OSError that names the file."""
        if self.path is None:
            return
        with self._naming():
            if self.file is None:  # not before: a source without frames leaves an earlier table
                self._open()
            if isinstance(frame, Picture):
                seconds, extra = 0.0, frame.name
            else:
                seconds, extra = frame.seconds, frame.clock
            start = [number, f"{seconds:.3f}"]
            end = [extra] if self.extra_column else []
            for face in faces:
                values = [f"{value:.4f}" for value in (face.confidence, *face.probabilities)]
                self.rows.writerow([*start, face.track_id, *face.box, face.emotion, *values, *end])
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
