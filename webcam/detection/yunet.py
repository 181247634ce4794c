"""YuNet, a small network that finds faces, in OpenCV's own cv2.FaceDetectorYN.

Wu, Peng, Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector". The model comes from OpenCV's
model zoo (docs/how-it-works.md says where); it is not part of this project.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from webcam.detection.contrast import make_clahe, normalize_contrast
from webcam.detection.geometry import choose_faces, find_same, rescale
from webcam.detection.view import View

LINES = 320  # of the frame's shorter side, as the model sees it
PICTURE_LINES = (320, 1280)  # of a picture: few for the large faces, many for the small
MIN_SCORE = 0.7
MAX_OVERLAP = 0.3  # intersection over union above which only the better of two boxes is kept
MOST_FACES = 5000
LOW_CONTRAST = 25.0  # standard deviation of the grays, below which they are evened out
# The side of a box over the root of the area of YuNet's, which is as narrow as the face. So boxes
# frame faces as FER-2013 does. From 1.0 to 1.24 the accuracy is the same
SIDE = 1.12
MAX_PIXELS = 2_000_000  # of what the model sees, whatever the frame's shape


class YuNetDetector:
    """A YuNet model, an ONNX file. Raises UserError when OpenCV can't read it."""

    def __init__(self, path: str | Path):
        if not Path(path).is_file():
            fail(path, "no such file", "--detector takes haar, or the ONNX file of a YuNet model")
        try:
            # Not by its name: on Windows OpenCV reads that in the system's code page
            model, none = np.fromfile(path, np.uint8), np.empty(0, np.uint8)
            limits = (LINES, LINES), MIN_SCORE, MAX_OVERLAP, MOST_FACES
            self.model = cv2.FaceDetectorYN.create("onnx", model, none, *limits)
            self.run(np.zeros((LINES, LINES), np.uint8))
        except (cv2.error, SystemError, OSError):
            mend = "docs/how-it-works.md says where to get one"
            fail(path, "not a YuNet model that OpenCV can read", mend)
        self.clahe = make_clahe()

    def run(self, gray: np.ndarray) -> list[np.ndarray]:
        """Return the faces of a gray image, float (x, y, side, tilt) in its pixels."""
        self.model.setInputSize(gray.shape[::-1])
        _, found = self.model.detect(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
        return [] if found is None else [to_box(row) for row in found.astype(float)]

    def detect_at(self, gray: np.ndarray, lines: int) -> list[np.ndarray]:
        """Return the faces of a frame that the model sees with `lines` lines."""
        scale = max(min(gray.shape) / lines, math.sqrt(gray.size / MAX_PIXELS))
        seen = rescale(gray, 1 / scale)
        if seen.std() < LOW_CONTRAST:
            seen = normalize_contrast(seen, self.clahe)
        return [box * (scale, scale, scale, 1) for box in self.run(seen)]

    def view(self, gray: np.ndarray, turns: Iterator[int]) -> "YuNetView":
        """Return a view of a video's frame."""
        return YuNetView(gray, self)

    def detect(self, gray: np.ndarray, most_lines: int | None = None) -> list[np.ndarray]:
        """Return the faces of a picture, from left to right."""
        most = max(min(most_lines or math.inf, *gray.shape), LINES)
        lines = {min(lines, most) for lines in PICTURE_LINES}
        found = [box for n in lines for box in self.detect_at(gray, n)]
        return choose_faces(found, lambda box: box)


class YuNetView(View):
    """One frame, searched as a whole when it is first asked for faces."""

    def __init__(self, gray: np.ndarray, detector: YuNetDetector):
        self.gray, self.detector = gray, detector
        self.faces: list[np.ndarray] | None = None

    def search(self) -> list[np.ndarray]:
        """Return the faces, float (x, y, side, tilt)."""
        if self.faces is None:
            self.faces = self.detector.detect_at(self.gray, LINES)
        return self.faces

    def follow(self, box: np.ndarray) -> np.ndarray | None:
        """Return the face that overlaps a box most, or None."""
        return find_same(self.search(), box)


def to_box(row: np.ndarray) -> np.ndarray:
    """Return (x, y, side, tilt) of a row of YuNet: x, y, width, height, right eye, left eye, ...

    The tilt is that of the line between the eyes. The model puts it too level: at 2 to 21 degrees
    for faces turned by 20.
    """
    x, y, width, height, right_x, right_y, left_x, left_y = row[:8]
    side = SIDE * math.sqrt(max(width * height, 1.0))
    tilt = math.degrees(math.atan2(left_y - right_y, left_x - right_x))
    return np.array([x + (width - side) / 2, y + (height - side) / 2, side, tilt])
