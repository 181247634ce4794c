"""Finding faces by a Haar cascade: in a picture, in a frame band by band, and around a known box.

The detector alone knows pixels of the searched frame: boxes go in and come out in pixels of the
frame itself.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from webcam.geometry import iou

# Sizes here are in pixels of a frame as it is searched: reduced until its shorter side has LINES
LINES = 360
PICTURE_LINES = 720  # of a picture: it has no next frame to find a face in, and nothing waits
SMALLEST = 30  # the smallest face: a twelfth of a large frame's shorter side, of a picture's a 24th
# How many times the frame is reduced once more, and the smallest and largest face looked for on it.
# One of these bands a frame: all at once, and without the reducing, take 40 ms. (OpenCV looks at
# every pixel for sizes above 48, else at every other one)
SCALE_BANDS = [(1, SMALLEST, 50), (2, 24, 50), (4, 24, LINES)]
SCALE_FACTOR = 1.1
MIN_NEIGHBORS = 5  # of a new face
PICTURE_NEIGHBORS = 8  # of a face in a picture: among more pixels more look like one
CANDIDATE_NEIGHBORS = 2  # of what may be a new face, and is looked at again
ROI_SIZE = 56  # pixels that a known face is scaled to, so that a search costs the same at any size
SAME_FACE = 0.3  # intersection over union above which two boxes are of one face
ROI_MARGIN = 0.3  # of a face's side: how far beyond its last box it is looked for


def load_cascade() -> "cv2.CascadeClassifier":
    """Return OpenCV's cascade of frontal faces.

    Raises UserError where this OpenCV has none, as OpenCV 5, or can't read it.
    """
    if not hasattr(cv2, "CascadeClassifier"):
        mend = "run `pip install 'opencv-python>=4.12,<5'`"
        fail(f"OpenCV {cv2.__version__} has no Haar cascades; {mend}")
    path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        fail(f"{path}: can't be read; run `pip install --force-reinstall 'opencv-python>=4.12,<5'`")
    return cascade


def normalize_contrast(gray: np.ndarray, clahe: "cv2.CLAHE") -> np.ndarray:
    """Return grays, uint8 (height, width), stretched over the whole range and evened out by CLAHE.

    CLAHE: Zuiderveld 1994. The cascade takes what has little contrast for a wall. Frames with the
    face found, of 186 in two webcam clips of 640x480 (benchmarks/detection.py; no false boxes at that size):

        light                          whole frame, (1.1, 5)  tracker, grays as they are  tracker
        as it is                       186                    186                         186
        30 % of it                     109                    109                         186
        10 % of it, noise of 2         0                      0                           186
        gamma 3                        130                    179                         186
        10 % of the contrast           0                      0                           186
        before a bright window         51                     0                           186
    """
    # Stretch what lies between the darkest and the brightest half percent of the pixels, by a gain
    # of 32 at most: a wall stays one
    sample = gray[::4, ::4].ravel()
    edge = sample.size // 200
    ordered = np.partition(sample, [edge, sample.size - 1 - edge])
    dark, bright = float(ordered[edge]), float(ordered[-1 - edge])
    gain = 255 / max(bright - dark, 8.0)
    table = np.clip((np.arange(256) - dark) * gain, 0, 255).astype(np.uint8)
    return clahe.apply(cv2.LUT(gray, table))


class DetectionView:
    """One frame as it is searched: reduced until its shorter side has `lines`, contrast normalized.

    Boxes go in and come out as float (x, y, side) in pixels of the frame itself.
    """

    def __init__(
        self, gray: np.ndarray, lines: int, cascade: "cv2.CascadeClassifier", normalize: Callable
    ):
        self.cascade = cascade
        self.scale = max(1.0, min(gray.shape) / lines)  # pixels of the frame in one of the view
        if self.scale > 1:
            size = [max(1, round(length / self.scale)) for length in gray.shape[::-1]]
            gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
        self.pixels = normalize(gray)

    def detect(self, smallest: float, largest: float, neighbors: int) -> list[np.ndarray]:
        """Return the faces of the whole view, sides from `smallest` to `largest` of its pixels."""
        return [box * self.scale for box in self._search(self.pixels, smallest, largest, neighbors)]

    def detect_candidates(self, bands: list[tuple[int, int, int]]) -> list[np.ndarray]:
        """Return candidate boxes from some of SCALE_BANDS, which are to be confirmed."""
        found = []
        for times, smallest, largest in bands:
            size = [max(1, length // times) for length in self.pixels.shape[::-1]]
            small = cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)
            boxes = self._search(small, smallest, largest, CANDIDATE_NEIGHBORS)
            found += [box * times for box in boxes]
        return [box * self.scale for box in found]

    def detect_near(self, box: np.ndarray, neighbors: int) -> np.ndarray | None:
        """Return the face in the neighbourhood of `box` that overlaps it most, or None."""
        # In the view's pixels; rounded, so that a candidate's whole numbers are whole again
        box = np.round(box / self.scale, 6)
        x, y, side = box
        left, top = (max(0, round(start - ROI_MARGIN * side)) for start in (x, y))
        right, bottom = (max(0, round(start + side * (1 + ROI_MARGIN))) for start in (x, y))
        part = self.pixels[top:bottom, left:right]
        # Bring the neighbourhood to one size
        zoom = ROI_SIZE / side
        size = [round(length * zoom) for length in part.shape[::-1]]
        if min(size) < ROI_SIZE // 2:
            return None
        interpolation = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        part = cv2.resize(part, size, interpolation=interpolation)
        found = self._search(part, 0.8 * ROI_SIZE, 1.25 * ROI_SIZE, neighbors)
        found = [near / zoom + (left, top, 0) for near in found]
        best = max(found, key=lambda near: iou(near, box), default=None)
        return best * self.scale if best is not None and iou(best, box) > SAME_FACE else None

    def _search(
        self, pixels: np.ndarray, smallest: float, largest: float, neighbors: int
    ) -> list[np.ndarray]:
        """Return what the cascade finds, float (x, y, side) in pixels of `pixels`."""
        sizes = {"minSize": (round(smallest),) * 2, "maxSize": (round(largest),) * 2}
        found = self.cascade.detectMultiScale(pixels, SCALE_FACTOR, neighbors, **sizes)
        return [box[:3].astype(float) for box in found]


class FaceDetector:
    """Finds faces in gray frames, uint8 (height, width).

    Boxes are squares, float (x, y, side) in pixels of the frame. Each detector holds a cascade and
    a CLAHE of its own, so that detectors in several threads don't disturb one another. `normalize`
    takes and returns grays, in place of `normalize_contrast`.
    """

    def __init__(self, normalize: Callable[[np.ndarray], np.ndarray] | None = None):
        self.cascade = load_cascade()
        clahe = cv2.createCLAHE(clipLimit=1.0, tileGridSize=(8, 8))
        self.normalize = normalize or partial(normalize_contrast, clahe=clahe)

    def detect(self, gray: np.ndarray) -> list[np.ndarray]:
        """Return the faces of a picture, from left to right."""
        view = DetectionView(gray, PICTURE_LINES, self.cascade, self.normalize)
        return sorted(view.detect(SMALLEST, max(view.pixels.shape), PICTURE_NEIGHBORS), key=tuple)

    def view(self, gray: np.ndarray) -> DetectionView:
        """Return a frame of a video, made ready to be searched."""
        return DetectionView(gray, LINES, self.cascade, self.normalize)
