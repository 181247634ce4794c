"""The common base of all outputs and the window: frames and their faces go into them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from webcam.analysis.analyzer import Face

# Returns a frame's image with its faces drawn; it must not be changed
Annotate = Callable[[Any, list[Face]], np.ndarray]


class Sink:
    """Where frames and their faces go. A kind of sink overrides what it needs."""

    def __init__(self) -> None:
        self.written: list[Path] = []
        self.notes: list[str] = []  # for the user, at the end

    def write(self, frame: Any, faces: list[Face]) -> None:
        """Take a Frame, or a Picture where the source has those, and its faces. Raises OSError."""

    def idle(self) -> None:
        """Note that a camera has no new frame."""

    def end(self, seconds: float | None) -> None:
        """Note that no frame follows the last one, which ends at `seconds`, if that is known."""

    def close(self) -> None:
        """Finish what is under way."""

    def report(self) -> list[str]:
        """Return what was written, a line each."""
        return [str(path) for path in self.written]
