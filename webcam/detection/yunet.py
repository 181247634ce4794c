"""Find faces with YuNet, a small network, through cv2.FaceDetectorYN.

Wu, Peng, Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector". The model is in OpenCV's model
zoo (docs/how-it-works.md has the address). It is not part of this project.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from common.files import LARGEST_NETWORK, require_file
from webcam.detection.contrast import make_clahe, normalize_contrast
from webcam.detection.geometry import choose_faces, match, rescale
from webcam.detection.view import View

LINES = 320  # pixels of the shorter side of the model's input
FEW_LINES = 160  # the same for most frames of a video, at a quarter of the work
FINE_EVERY = 5  # every fifth frame gets all LINES
SMALL = 20  # pixels at FEW_LINES; a search for smaller known faces gets all LINES
PICTURE_LINES = (320, 1280)  # for a picture: few lines for large faces, many for small ones
MIN_SCORE = 0.7
MAX_OVERLAP = 0.3  # if the IoU of two boxes is above this, keep only the better one
MOST_FACES = 5000
LOW_CONTRAST = 25.0  # normalize the contrast if the standard deviation is below this
# The side of a box, divided by the distance between the midpoints of the eyes and of the mouth's
# corners. With the margin from classifier.py it is 2.5. In an external test on portraits and news
# photographs, 0.9 and 1.1 times this value were as good or up to two points worse, and YuNet's own
# box was 2 to 4 points worse
SIDE_PER_HEIGHT = 2.38
RISE = 0.08  # share of the side by which a box's center is above the midpoint of eyes and mouth
PROFILE = 0.6  # a face is a profile if its eyes are closer than this share of that distance
# The side of a profile's box, divided by the square root of the area of YuNet's narrow box
SIDE = 1.12
MAX_PIXELS = 2_000_000  # pixels of the model's input, for frames of any shape


class YuNetDetector:
    """A YuNet model from an ONNX file. Raises UserError if OpenCV can't read it."""

    def __init__(self, path: str | Path):
        mend = "set --detector to haar, or to the ONNX file of a YuNet model"
        require_file(Path(path), LARGEST_NETWORK, mend)
        try:
            # Pass bytes, not the path: on Windows, OpenCV decodes paths in the system's code page
            model, none = np.fromfile(path, np.uint8), np.empty(0, np.uint8)
            limits = (LINES, LINES), MIN_SCORE, MAX_OVERLAP, MOST_FACES
            self.model = cv2.FaceDetectorYN.create("onnx", model, none, *limits)
            if self.run(np.zeros((LINES, LINES), np.uint8)):
                raise ValueError("found a face in a black image")
        except (cv2.error, SystemError, OSError, ValueError, MemoryError):
            mend = "see docs/how-it-works.md for where to get one"
            fail(path, "not a YuNet model that OpenCV can read", mend)
        self.clahe = make_clahe()

    def run(self, gray: np.ndarray) -> list[np.ndarray]:
        """Return the faces in a gray image, float (x, y, side, tilt) in its pixels."""
        self.model.setInputSize(gray.shape[::-1])
        _, found = self.model.detect(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
        rows = [] if found is None else found.astype(float)
        return [to_box(row) for row in rows if np.isfinite(row).all()]

    def detect_at(self, gray: np.ndarray, lines: int) -> list[np.ndarray]:
        """Scale a frame to `lines` lines; return its faces in pixels of the original frame."""
        scale = max(min(gray.shape) / lines, math.sqrt(gray.size / MAX_PIXELS))
        seen = rescale(gray, 1 / scale)
        if seen.std() < LOW_CONTRAST:
            seen = normalize_contrast(seen, self.clahe)
        return [box * (scale, scale, scale, 1) for box in self.run(seen)]

    def view(self, gray: np.ndarray, turns: Iterator[int]) -> "YuNetView":
        """Return a view of a video frame."""
        return YuNetView(gray, self, turns)

    def detect(self, gray: np.ndarray, most_lines: int | None = None) -> list[np.ndarray]:
        """Return the faces of a picture, from left to right."""
        most = max(min(most_lines or math.inf, *gray.shape), LINES)
        lines = {min(lines, most) for lines in PICTURE_LINES}
        found = [box for n in lines for box in self.detect_at(gray, n)]
        return choose_faces(found, lambda box: box)


class YuNetView(View):
    """One frame, searched with few lines, or sometimes and for small faces with more lines."""

    def __init__(self, gray: np.ndarray, detector: YuNetDetector, turns: Iterator[int]):
        self.gray, self.detector, self.turns = gray, detector, turns
        self.found: dict[int, list[np.ndarray]] = {}  # by lines

    def faces(self, lines: int) -> list[np.ndarray]:
        """Return the faces, float (x, y, side, tilt), that the model finds with `lines` lines."""
        if lines not in self.found:
            self.found[lines] = self.detector.detect_at(self.gray, lines)
        return self.found[lines]

    def search(self, first: int, passes: int) -> list[np.ndarray]:
        """Return all faces."""
        return self.faces(LINES)

    def search_on(self, passes: int) -> list[np.ndarray]:
        """Return the faces found with few lines, or in every fifth frame with all LINES."""
        return self.faces(LINES if next(self.turns) % FINE_EVERY == 0 else FEW_LINES)

    def follow(self, boxes: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return for each box the face that overlaps it most, or None. No face matches twice."""
        smallest = SMALL * min(self.gray.shape) / FEW_LINES
        if any(box[2] < smallest for box in boxes):
            return match(self.faces(LINES), boxes)
        found = match(self.faces(FEW_LINES), boxes)
        return found if all(box is not None for box in found) else match(self.faces(LINES), boxes)


def to_box(row: np.ndarray) -> np.ndarray:
    """Return the box (x, y, side, tilt) for a row of YuNet's output, framed as in FER-2013.

    A row holds x, y, width and height, then x and y of the right eye, the left eye, the nose, and
    the right and left corner of the mouth. The tilt is that of the line between the eyes. The model
    underestimates it: faces turned by 20 degrees come out at 2 to 21.
    """
    x, y, width, height = row[:4]
    right_eye, left_eye, _, *corners = row[4:14].reshape(5, 2)
    tilt = math.atan2(*(left_eye - right_eye)[::-1])
    eyes, mouth = (right_eye + left_eye) / 2, np.mean(corners, axis=0)
    tall = math.dist(eyes, mouth)
    if math.dist(right_eye, left_eye) < PROFILE * tall:
        side = SIDE * math.sqrt(max(width * height, 1.0))
        middle = np.array([x + width / 2, y + height / 2])
    else:
        side = SIDE_PER_HEIGHT * max(tall, 1.0)
        down = np.array([-math.sin(tilt), math.cos(tilt)])
        middle = (eyes + mouth) / 2 - RISE * side * down
    return np.array([*(middle - side / 2), side, math.degrees(tilt)])
