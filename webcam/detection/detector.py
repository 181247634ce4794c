"""Finding faces: what each way of doing it offers, and the choice of one.

A detector alone knows pixels of the searched frame: boxes go in and come out as float (x, y, side,
tilt) in pixels of the frame itself (webcam/detection/geometry.py).
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from webcam.detection.haar import HaarDetector
from webcam.detection.yunet import YuNetDetector


class View(Protocol):
    """One gray frame, made ready to be searched. What a search returns may be faces."""

    def search(self) -> list[np.ndarray]:
        """Search the whole frame for faces of all kinds."""

    def search_more(self) -> list[np.ndarray]:
        """Search for the usual faces, and for some of the others: a known one may have jumped."""

    def search_on(self, passes: int) -> list[np.ndarray]:
        """Make the next few passes of a search that goes on from frame to frame."""

    def follow(self, box: np.ndarray) -> np.ndarray | None:
        """Return the face that is near a box now, however it has turned, or None."""

    def confirm(self, candidate: np.ndarray) -> np.ndarray | None:
        """Return a candidate's box where it is a face, or None."""

    def is_face(self, box: np.ndarray) -> bool:
        """Return whether what was found there is a face, when looked at once more."""


class Detector(Protocol):
    """Finds faces in gray frames, uint8 (height, width).

    Nothing of a frame is kept, and detectors share nothing: each thread may have one.
    """

    def view(self, gray: np.ndarray, turns: Iterator[int]) -> View:
        """Return a frame of a video, made ready to be searched.

        `turns` counts the searches of the video that go on from frame to frame: one for all views.
        """

    def detect(self, gray: np.ndarray, most_lines: int | None = None) -> list[np.ndarray]:
        """Return the faces of a picture, from left to right.

        The smallest are found in the picture as it is, or as if its shorter side had `most_lines`.
        """


def load_detector(name: str = "haar") -> Detector:
    """Return the detector of Haar cascades, or YuNet from an ONNX file.

    Raises UserError where OpenCV has no cascade, or can't read the file.
    """
    return HaarDetector() if name == "haar" else YuNetDetector(name)
