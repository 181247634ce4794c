"""A detector, and its view of one frame: what each way of finding faces offers.

Boxes go in and come out as float (x, y, side, tilt) in pixels of the frame (geometry.py). Only a
detector knows the pixels that it searches.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np


class View:
    """One gray frame, ready to be searched. By default a search finds all faces, and only faces."""

    passes = 1  # of a search of the whole frame
    usual = 1  # of them, the first: those for the faces of users before a webcam
    soon = 1  # these, and those for smaller faces behind them

    def search(self, first: int, passes: int) -> list[np.ndarray]:
        """Return the candidates of some passes of a whole search, from number `first` on."""
        raise NotImplementedError

    def search_on(self, passes: int) -> list[np.ndarray]:
        """Return the candidates of the next passes of a search that goes on from frame to frame."""
        return self.search(0, 1)

    def follow(self, boxes: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return for each box the face near it, however it has turned, or None."""
        raise NotImplementedError

    def confirm(self, candidate: np.ndarray) -> np.ndarray | None:
        """Return a candidate's box, more exactly, or None if it is no face."""
        return candidate

    def is_face(self, box: np.ndarray) -> bool:
        """Return whether a face that was found stands a second look."""
        return True


class Detector(Protocol):
    """Finds faces in gray frames, uint8 (height, width).

    It keeps nothing of a frame. Detectors share nothing: each thread may have one.
    """

    def view(self, gray: np.ndarray, turns: Iterator[int]) -> View:
        """Return a view of a video's frame; `turns`, one for all its frames, counts passes."""

    def detect(self, gray: np.ndarray, most_lines: int | None = None) -> list[np.ndarray]:
        """Return the faces of a picture, from left to right.

        The smallest are found in the picture as it is, or as if its shorter side had `most_lines`.
        """
