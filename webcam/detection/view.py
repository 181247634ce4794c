"""The interface of every detector, and of its view of one frame.

All boxes are float (x, y, side, tilt) in pixels of the frame (geometry.py). How a detector scales
the frame for its search is its own business.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np


class View:
    """One gray frame, ready to be searched. By default one pass finds all faces, and only faces."""

    passes = 1  # number of passes in a full search of the frame
    usual = 1  # the first of them: for faces of users in front of a webcam
    soon = 1  # those, and the ones for smaller faces behind them

    def search(self, first: int, passes: int) -> list[np.ndarray]:
        """Return the candidates of some passes of a full search, starting with number `first`."""
        raise NotImplementedError

    def search_on(self, passes: int) -> list[np.ndarray]:
        """Return the candidates of the next passes of a search that continues across frames."""
        return self.search(0, 1)

    def follow(self, boxes: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return for each box the face near it, even if it has turned, or None."""
        raise NotImplementedError

    def confirm(self, candidate: np.ndarray) -> np.ndarray | None:
        """Return a candidate's refined box, or None if it is not a face."""
        return candidate

    def is_face(self, box: np.ndarray) -> bool:
        """Return whether a found face passes a second check."""
        return True


class Detector(Protocol):
    """Finds faces in gray frames, uint8 (height, width).

    It stores nothing about a frame. Detectors share nothing, so each thread can have its own.
    """

    def view(self, gray: np.ndarray, turns: Iterator[int]) -> View:
        """Return a view of a video frame. `turns` counts the passes across all frames."""

    def detect(self, gray: np.ndarray, most_lines: int | None = None) -> list[np.ndarray]:
        """Return the faces of a picture, from left to right.

        The search for the smallest faces takes the full picture, or one that is scaled so that its
        shorter side has `most_lines`.
        """
