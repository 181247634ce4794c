"""A detector, and its view of one frame: what each way of finding faces offers.

Boxes go in and come out as float (x, y, side, tilt) in pixels of the frame (geometry.py). Only a
detector knows the pixels that it searches.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np


class View:
    """One gray frame, ready to be searched. By default a search finds all faces, and only faces."""

    def search(self) -> list[np.ndarray]:
        """Return candidates of all kinds in the whole frame."""
        raise NotImplementedError

    def search_more(self) -> list[np.ndarray]:
        """Return candidates of the usual kind, and some of the others: a known face may have jumped."""
        return self.search()

    def search_on(self, passes: int) -> list[np.ndarray]:
        """Return the candidates of the next passes of a search that goes on from frame to frame."""
        return self.search()

    def follow(self, box: np.ndarray) -> np.ndarray | None:
        """Return the face near a box, however it has turned, or None."""
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
