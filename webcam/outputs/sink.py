"""The base class of all outputs and of the window: they take frames and their faces."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from webcam.analysis.analyzer import Face

# Returns a frame's image with its faces drawn. The caller must not change it
Annotate = Callable[[Any, list[Face]], np.ndarray]


class Sink:
    """Takes frames and their faces. Subclasses override the methods that they need."""

    def __init__(self) -> None:
        self.written: list[Path] = []
        self.notes: list[str] = []  # messages for the user, printed at the end

    def write(self, frame: Any, faces: list[Face]) -> None:
        """Take a Frame or a Picture, depending on the source, and its faces. Raises OSError."""

    def idle(self) -> None:
        """Do the work of a moment without a new frame from the camera."""

    def end(self, seconds: float | None) -> None:
        """Finish at the end of the source. Its last frame ends at `seconds`, None if unknown."""

    def close(self) -> None:
        """Finish any open file."""

    def report(self) -> list[str]:
        """Return one line per written file."""
        return [str(path) for path in self.written]
