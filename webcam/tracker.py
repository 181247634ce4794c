"""Following faces from frame to frame, and the faces of a single picture."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from webcam.detector import (
    CANDIDATE_NEIGHBORS,
    LINES,
    MIN_NEIGHBORS,
    PICTURE_LINES,
    PICTURE_NEIGHBORS,
    SCALE_BANDS,
    SMALLEST,
    detect,
    detect_near,
    normalize_contrast,
    to_detection_view,
)
from webcam.geometry import ema_weight, iou

SEARCH_EVERY = 0.15  # seconds between two octaves while a face is being followed; without one, every frame has one
FOLLOW_NEIGHBORS = 3  # of a face that is known to be there
AT_ONCE = 2  # faces searched for in one frame; of more, those that have waited longest
MAX_LOST_SECONDS = 0.3  # seconds that a face stays where it was after it was last found
BOX_TIME_CONSTANT = 0.05  # seconds over which boxes are smoothed


@dataclass
class Face:
    """A face: `box` and `smoothed_box` are (x, y, side) in pixels of the frame, float."""

    track_id: int
    box: np.ndarray
    smoothed_box: np.ndarray
    last_seen: float = 0.0  # seconds at which it was last found
    found: bool = True  # when it was last searched for
    hits: int = 1
    last_searched: int = 0  # the number of the frame in which it was last searched for
    probabilities: np.ndarray | None = None
    named: float = 0.0  # seconds at which the network last saw it

    def corners(self) -> tuple[int, int, int]:
        """Return the box in whole pixels: left, top, side."""
        return tuple(round(float(value)) for value in self.smoothed_box)

    def mirror(self, width: int) -> None:
        for box in (self.smoothed_box, self.box):
            box[0] = width - box[0] - box[2]


def find(gray: np.ndarray, cascade: "cv2.CascadeClassifier") -> list[Face]:
    """Return the faces of a picture, numbered from 1, from left to right."""
    view, scale = to_detection_view(gray, PICTURE_LINES)
    boxes = sorted(detect(view, cascade, SMALLEST, max(view.shape), PICTURE_NEIGHBORS), key=tuple)
    return [Face(number, box * scale, box * scale) for number, box in enumerate(boxes, 1)]


class Tracker:
    """Finds faces in one frame after the other, and keeps each one's number as long as it can be followed.

    A new face is looked for in the whole frame, an octave of sizes at a time. A face that is known is looked for around
    its last box, which takes a tenth of the time. One that can't be found stays where it was for MAX_LOST_SECONDS.
    """

    def __init__(self, cascade: "cv2.CascadeClassifier", even: Callable = normalize_contrast):
        self.cascade, self.even = cascade, even
        self.faces: list[Face] = []
        self.frames = self.track_ids = 0
        self.octave, self.next_search = 0, 0.0

    def update(self, gray: np.ndarray, seconds: float) -> list[Face]:
        """Return the faces of the next frame, uint8 (height, width), which was taken at `seconds`."""
        view, scale = to_detection_view(gray, LINES, self.even)
        everywhere = not self.frames
        for face in sorted(self.faces, key=lambda face: face.last_searched)[:AT_ONCE]:
            known, face.last_searched = face.found, self.frames
            self.update_track(face, detect_near(view, self.cascade, face.box / scale, FOLLOW_NEIGHBORS), scale, seconds)
            everywhere = everywhere or (known and not face.found)
        for box in self.detect_new(view, seconds, everywhere):
            known = [face for face in self.faces if iou(face.box, box * scale) > 0.3]
            if not known:
                box = detect_near(view, self.cascade, box, MIN_NEIGHBORS)
                if box is not None and all(iou(face.box, box * scale) < 0.3 for face in self.faces):
                    self.track_ids += 1
                    face = Face(self.track_ids, box * scale, box * scale, seconds, last_searched=self.frames)
                    self.faces.append(face)
            elif not known[0].found:
                self.update_track(known[0], box, scale, seconds)
        self.faces = [
            face
            for number, face in enumerate(self.faces)
            if (face.found or (face.hits > 2 and seconds - face.last_seen < MAX_LOST_SECONDS))
            and not any(iou(face.box, older.box) > 0.5 for older in self.faces[:number])
        ]
        self.frames += 1
        return self.faces

    def update_track(self, face: Face, box: np.ndarray | None, scale: float, seconds: float) -> None:
        """Move a face to where it was found, or note that it wasn't."""
        face.found = box is not None
        if face.found:
            face.box = box * scale
            weight = ema_weight(seconds - face.last_seen, BOX_TIME_CONSTANT)
            face.smoothed_box = face.smoothed_box + weight * (face.box - face.smoothed_box)
            face.last_seen = seconds
            face.hits += 1

    def detect_new(self, view: np.ndarray, seconds: float, everywhere: bool) -> list[np.ndarray]:
        """Return what may be faces, of one octave of sizes or `everywhere`; nothing when it is not time to look."""
        if not everywhere and seconds < self.next_search and any(face.found for face in self.faces):
            return []
        self.next_search, found = seconds + SEARCH_EVERY, []
        for times, smallest, largest in SCALE_BANDS if everywhere else [SCALE_BANDS[self.octave]]:
            size = [max(1, length // times) for length in view.shape[::-1]]
            small = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
            found += [box * times for box in detect(small, self.cascade, smallest, largest, CANDIDATE_NEIGHBORS)]
        self.octave = (self.octave + 1) % len(SCALE_BANDS)
        return found
