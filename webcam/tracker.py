"""Following faces from frame to frame, and the faces of a single picture."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from webcam.detector import (
    HINT_NEIGHBORS,
    LINES,
    MIN_NEIGHBORS,
    OCTAVES,
    PICTURE_LINES,
    PICTURE_NEIGHBORS,
    SMALLEST,
    even_out,
    look_near,
    prepare,
    search,
)
from webcam.geometry import overlap, share

SEARCH_EVERY = 0.15  # seconds between two octaves while a face is being followed; without one, every frame has one
FOLLOW_NEIGHBORS = 3  # of a face that is known to be there
AT_ONCE = 2  # faces searched for in one frame; of more, those that have waited longest
COAST = 0.3  # seconds that a face stays where it was after it was last found
STEADY = 0.05  # seconds over which boxes are smoothed


@dataclass
class Face:
    """A face: `box` and `place` are (x, y, side) in pixels of the frame, float, the one smoothed, the other not."""

    number: int
    box: np.ndarray
    place: np.ndarray
    seen: float = 0.0  # seconds at which it was last found
    found: bool = True  # when it was last searched for
    sightings: int = 1
    searched: int = 0  # the number of the frame in which it was last searched for
    probabilities: np.ndarray | None = None
    named: float = 0.0  # seconds at which the network last saw it

    def corners(self) -> tuple[int, int, int]:
        """Return the box in whole pixels: left, top, side."""
        return tuple(round(float(value)) for value in self.box)

    def mirror(self, width: int) -> None:
        for box in (self.box, self.place):
            box[0] = width - box[0] - box[2]


def find(gray: np.ndarray, cascade: "cv2.CascadeClassifier") -> list[Face]:
    """Return the faces of a picture, numbered from 1, from left to right."""
    view, scale = prepare(gray, PICTURE_LINES)
    boxes = sorted(search(view, cascade, SMALLEST, max(view.shape), PICTURE_NEIGHBORS), key=tuple)
    return [Face(number, box * scale, box * scale) for number, box in enumerate(boxes, 1)]


class Tracker:
    """Finds faces in one frame after the other, and keeps each one's number as long as it can be followed.

    A new face is looked for in the whole frame, an octave of sizes at a time. A face that is known is looked for around
    its last box, which takes a tenth of the time. One that can't be found stays where it was for COAST seconds.
    """

    def __init__(self, cascade: "cv2.CascadeClassifier", even: Callable = even_out):
        self.cascade, self.even = cascade, even
        self.faces: list[Face] = []
        self.frames = self.numbers = 0
        self.octave, self.next_search = 0, 0.0

    def update(self, gray: np.ndarray, seconds: float) -> list[Face]:
        """Return the faces of the next frame, uint8 (height, width), which was taken at `seconds`."""
        view, scale = prepare(gray, LINES, self.even)
        everywhere = not self.frames
        for face in sorted(self.faces, key=lambda face: face.searched)[:AT_ONCE]:
            known, face.searched = face.found, self.frames
            self.see(face, look_near(view, self.cascade, face.place / scale, FOLLOW_NEIGHBORS), scale, seconds)
            everywhere = everywhere or (known and not face.found)
        for box in self.look_around(view, seconds, everywhere):
            known = [face for face in self.faces if overlap(face.place, box * scale) > 0.3]
            if not known:
                box = look_near(view, self.cascade, box, MIN_NEIGHBORS)
                if box is not None and all(overlap(face.place, box * scale) < 0.3 for face in self.faces):
                    self.numbers += 1
                    self.faces.append(Face(self.numbers, box * scale, box * scale, seconds, searched=self.frames))
            elif not known[0].found:
                self.see(known[0], box, scale, seconds)
        self.faces = [
            face
            for number, face in enumerate(self.faces)
            if (face.found or (face.sightings > 2 and seconds - face.seen < COAST))
            and not any(overlap(face.place, older.place) > 0.5 for older in self.faces[:number])
        ]
        self.frames += 1
        return self.faces

    def see(self, face: Face, box: np.ndarray | None, scale: float, seconds: float) -> None:
        """Move a face to where it was found, or note that it wasn't."""
        face.found = box is not None
        if face.found:
            face.place = box * scale
            face.box = face.box + share(seconds - face.seen, STEADY) * (face.place - face.box)
            face.seen = seconds
            face.sightings += 1

    def look_around(self, view: np.ndarray, seconds: float, everywhere: bool) -> list[np.ndarray]:
        """Return what may be faces, of one octave of sizes or `everywhere`; nothing when it is not time to look."""
        if not everywhere and seconds < self.next_search and any(face.found for face in self.faces):
            return []
        self.next_search, found = seconds + SEARCH_EVERY, []
        for times, smallest, largest in OCTAVES if everywhere else [OCTAVES[self.octave]]:
            size = [max(1, length // times) for length in view.shape[::-1]]
            small = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
            found += [box * times for box in search(small, self.cascade, smallest, largest, HINT_NEIGHBORS)]
        self.octave = (self.octave + 1) % len(OCTAVES)
        return found
