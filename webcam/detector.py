"""Finding faces by a Haar cascade: on the whole frame, and around a place."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from webcam.geometry import iou

# Searching. Pixels here are those of the frame as it is searched: reduced until its shorter side has LINES of them
LINES = 360
PICTURE_LINES = 720  # of a picture, which has no next frame in which to find a face, and where nothing waits
SMALLEST = 30  # the smallest face: a twelfth of a large frame's shorter side, of a picture's a 24th
# How many times the frame is reduced once more, and the sizes looked for on it: one of these octaves per frame, since
# all at once, and without the reducing, take 40 ms. (OpenCV looks at every pixel for sizes above 48, else every other)
SCALE_BANDS = [(1, SMALLEST, 50), (2, 24, 50), (4, 24, LINES)]
SCALE_FACTOR = 1.1
MIN_NEIGHBORS = 5  # of a new face
PICTURE_NEIGHBORS = 8  # of a face in a picture: among more pixels more look like one
CANDIDATE_NEIGHBORS = 2  # of what may be a new face, and is looked at again
FOLLOWED_SIZE = 56  # pixels that a followed face's neighbourhood is scaled to, so that it costs the same at any size
ROI_MARGIN = 0.3  # of a face's side: how far beyond its last box it is looked for
EVEN_OUT = cv2.createCLAHE(clipLimit=1.0, tileGridSize=(8, 8))


def load_cascade() -> "cv2.CascadeClassifier":
    if not hasattr(cv2, "CascadeClassifier"):
        fail(f"OpenCV {cv2.__version__} has no Haar cascades; run `pip install 'opencv-python>=4.12,<5'`")
    path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        fail(f"{path}: can't be read; run `pip install --force-reinstall 'opencv-python>=4.12,<5'`")
    return cascade


def normalize_contrast(gray: np.ndarray) -> np.ndarray:
    """Return grays, uint8 (height, width), stretched over the whole range and evened out (CLAHE, Zuiderveld 1994).

    The cascade takes what has little contrast for a wall. Frames with the face found, of 186 in two webcam clips of
    640x480 (benchmarks/detection.py; no false boxes in any):

        light                          whole frame, (1.1, 5)  tracker, grays as they are  tracker
        as it is                       186                    186                         186
        30 % of it                     109                    109                         186
        10 % of it, noise of 2         0                      0                           186
        gamma 3                        130                    179                         186
        10 % of the contrast           0                      0                           186
        before a bright window         51                     0                           186
    """
    sample = gray[::4, ::4].ravel()
    edge = sample.size // 200
    ordered = np.partition(sample, [edge, sample.size - 1 - edge])
    dark, bright = float(ordered[edge]), float(ordered[-1 - edge])
    gain = 255 / max(bright - dark, 8.0)
    table = np.clip((np.arange(256) - dark) * gain, 0, 255).astype(np.uint8)
    return EVEN_OUT.apply(cv2.LUT(gray, table))


def to_detection_view(gray: np.ndarray, lines: int, even: Callable = normalize_contrast) -> tuple[np.ndarray, float]:
    """Return the frame as it is searched, uint8 (height, width), and how many times smaller it is."""
    scale = max(1.0, min(gray.shape) / lines)
    if scale > 1:
        size = (max(1, round(gray.shape[1] / scale)), max(1, round(gray.shape[0] / scale)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return even(gray), scale


def detect(view: np.ndarray, cascade, smallest: float, largest: float, neighbors: int) -> list[np.ndarray]:
    """Return the faces found in a prepared frame, or a part of one, as float (x, y, side) in its pixels."""
    sizes = {"minSize": (round(smallest),) * 2, "maxSize": (round(largest),) * 2}
    return [box[:3].astype(float) for box in cascade.detectMultiScale(view, SCALE_FACTOR, neighbors, **sizes)]


def detect_near(view: np.ndarray, cascade, box: np.ndarray, neighbors: int) -> np.ndarray | None:
    """Return the face around `box` that overlaps it most, in pixels of `view`, or None."""
    x, y, side = box
    left, top = (max(0, round(start - ROI_MARGIN * side)) for start in (x, y))
    part = view[top : max(0, round(y + side * (1 + ROI_MARGIN))), left : max(0, round(x + side * (1 + ROI_MARGIN)))]
    scale = FOLLOWED_SIZE / side
    size = [round(length * scale) for length in part.shape[::-1]]
    if min(size) < FOLLOWED_SIZE // 2:
        return None
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    found = detect(part, cascade, 0.8 * FOLLOWED_SIZE, 1.25 * FOLLOWED_SIZE, neighbors)
    found = [near / scale + (left, top, 0) for near in found]
    best = max(found, key=lambda near: iou(near, box), default=None)
    return best if best is not None and iou(best, box) > 0.3 else None
