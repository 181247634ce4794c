"""Write the table of faces."""

import contextlib
import csv
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from common.errors import fail
from webcam.analysis.analyzer import Face
from webcam.outputs.files import check_writable, open_alone
from webcam.outputs.sink import Sink
from webcam.sources.frame import Frame, Picture, Source


class CsvWriter(Sink):
    """Writes the CSV, with one row per face and frame. Rows reach the disk within a second.

    A frame without a face has one row, with nothing from `face` on except a 0 for `found`.
    The last column may be the source's extra column: a camera's clock, or a picture's file.
    `baseline` adds a column that says how far a resting face corrects the probabilities.
    """

    def __init__(self, path: Path, emotions: list[str], source: Source, baseline: bool = False):
        super().__init__()
        check_writable(path, source.paths, "--csv")
        if path.suffix.lower() != ".csv":
            fail(path, "not a .csv file name", "set --csv to a name ending in .csv")
        self.path, self.extra = path, [source.extra_column] if source.extra_column else []
        self.baseline = ["baseline"] if baseline else []
        self.columns = ["frame", "time", "face", "x", "y", "width", "height", "found"]
        self.columns += [*self.baseline, "label", "emotion", "confidence", *emotions, *self.extra]
        self.is_new = not path.exists()
        # Open it now, so that a run that may not write it touches none of its outputs. The first
        # frame replaces an earlier table
        self.file: TextIO = open_alone(path, path, "--csv")
        self.frames, self.flushed = 0, 0.0

    def write(self, frame: Frame | Picture, faces: list[Face]) -> None:
        """Write the faces of the next frame. Raises OSError with the file's name."""
        if isinstance(frame, Picture):
            seconds, extra = 0.0, frame.name
        else:
            seconds, extra = frame.seconds, frame.clock
        start, end = [self.frames, f"{seconds:.3f}"], [extra] if self.extra else []
        shown: Sequence[Face | None] = faces or [None]
        rows = [[*start, *self._cells(face), *end] for face in shown]
        self.frames += 1
        with self._naming():
            if not self.written:
                if self.path.is_file():  # don't truncate a named pipe
                    self.file.truncate(0)
                self.written.append(self.path)
                rows = [self.columns, *rows]
            csv.writer(self.file, lineterminator="\n").writerows(rows)
            if time.perf_counter() - self.flushed > 0.5:
                self.file.flush()
                if faces:  # the first face reaches the disk at once
                    self.flushed = time.perf_counter()

    def _cells(self, face: Face | None) -> list:
        """Return a row without its frame, time and extra column; None is no face."""
        if face is None:
            names = self.columns[2 : len(self.columns) - len(self.extra)]
            return [0 if name == "found" else "" for name in names]
        baseline = [f"{face.baseline:.2f}"] if self.baseline else []
        shares = [f"{value:.4f}" for value in (face.confidence, *face.probabilities)]
        place = [face.track_id, *face.box, int(face.found)]
        return [*place, *baseline, face.label, face.emotion, *shares]

    def end(self, seconds: float | None) -> None:
        """Flush the last rows to disk, since a window may stay open. Raises OSError."""
        with self._naming():
            self.file.flush()

    def close(self) -> None:
        """Close the file, and remove it if it is new and empty. Raises OSError with its name."""
        with self._naming():
            self.file.close()
        if self.is_new and not self.written:
            self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Add the file's name to any OSError, such as a full disk."""
        try:
            yield
        except OSError as error:
            error.filename = str(self.path)
            raise
