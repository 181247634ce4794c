"""The table of faces."""

import contextlib
import csv
import time
from collections.abc import Iterator
from pathlib import Path

from common.errors import fail
from webcam.analysis.analyzer import Face
from webcam.outputs.files import check_writable
from webcam.sources.frame import Frame


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
