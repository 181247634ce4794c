"""Search with Haar cascades: a whole picture, a frame pass by pass, or around a known face."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial

import cv2
import numpy as np

from webcam.detection.cascade import FRONTAL, PROFILE, SECOND, load_cascade
from webcam.detection.contrast import make_clahe, normalize_contrast
from webcam.detection.geometry import (
    choose_faces,
    crop,
    find_same,
    map_square,
    rescale,
    similarity,
    turn,
    widen,
)
from webcam.detection.passes import (
    LINES,
    MAX_PIXELS,
    MAX_TILT,
    SMALLEST,
    TILT_STEP,
    Pass,
    plan_passes,
    take_turn,
)
from webcam.detection.view import View

SCALE_FACTOR = 1.1  # ratio between two face sizes
COARSE_FACTOR = 1.2  # the same in a video: later frames find the faces that one frame misses
MIN_NEIGHBORS = 5  # for a new face
FOLLOW_NEIGHBORS = 3  # for a known face
CANDIDATE_NEIGHBORS = 1  # for a candidate, which is checked again
CONFIRM_NEIGHBORS = 5  # for the second cascade
LOOKS = 2  # checks of a candidate
ROI_SIZE = 56  # pixels; known faces are scaled to this size, so each search costs the same
ROI_MARGIN = 0.3  # share of a face's side to search beyond its last box
# CLAHE tiles each way around a known face. Relative to the face, they are as large as a frame's
NEAR_TILES = 2
GROWTH = 1.16  # maximum growth of a known face between two frames
# OpenCV sizes a cascade's buffers by the widest and the tallest image seen so far. A picture with a
# larger aspect ratio gets its own cascades. Otherwise a thin and a flat one would exhaust memory
KEPT_ASPECT = 4
AVATAR_LINES = 100  # in pictures with a shorter side below this, the largest candidate is a face


class HaarDetector:
    """Detects faces with OpenCV's cascades for frontal faces and profiles.

    Each detector has its own cascades and CLAHE, so each thread can have a detector.
    `normalize` replaces `normalize_contrast`; it takes and returns gray values.
    """

    rim = 0.2  # how far a face may extend beyond the frame, as a share of a pass's largest face

    def __init__(self, normalize: Callable[[np.ndarray], np.ndarray] | None = None):
        self.cascades = {name: load_cascade(name) for name in (FRONTAL, SECOND)}
        self.normalize = normalize or partial(normalize_contrast, clahe=make_clahe())
        self.normalize_near = normalize or partial(normalize_contrast, clahe=make_clahe(NEAR_TILES))

    def run(
        self,
        cascade: str,
        pixels: np.ndarray,
        sizes: tuple[float, float],
        neighbors: int,
        factor: float = SCALE_FACTOR,
    ) -> list[np.ndarray]:
        """Run a cascade for faces between two sizes; return float (x, y, side) in `pixels`."""
        if cascade not in self.cascades:  # the first face need not wait for the profile cascade
            self.cascades[cascade] = load_cascade(cascade)
        smallest, largest = ((round(size), round(size)) for size in sizes)
        found = self.cascades[cascade].detectMultiScale(
            pixels, factor, neighbors, minSize=smallest, maxSize=largest
        )
        return [np.array(box[:3], float) for box in found]

    def plan_passes(self, shape: tuple[int, int]) -> list[list[Pass]]:
        """Return the passes, grouped by kind, that search a whole video frame (height, width)."""
        return plan_passes(shape)

    def view(self, gray: np.ndarray, turns: Iterator[int]) -> "HaarView":
        """Return a view of a video frame; `turns` counts passes."""
        is_long = max(gray.shape) > KEPT_ASPECT * min(gray.shape)
        return HaarView(gray, HaarDetector(self.normalize) if is_long else self, turns)

    def detect(self, gray: np.ndarray, most_lines: int | None = None) -> list[np.ndarray]:
        """Return the faces of a picture, from left to right."""
        view = self.view(gray, itertools.count())
        passes = plan_passes(gray.shape, most_lines or min(gray.shape))
        candidates = view.run_passes(itertools.chain(*passes), SCALE_FACTOR)
        largest = max(candidates, key=lambda box: box[2], default=None)

        def confirm(candidate: np.ndarray) -> np.ndarray | None:
            if candidate is not largest or min(gray.shape) >= AVATAR_LINES:
                return view.confirm(candidate)
            found = view.detect_near(candidate, CANDIDATE_NEIGHBORS)
            return candidate if found is None else found

        return choose_faces(candidates, confirm)


class HaarView(View):
    """One frame, ready for the search: scaled to LINES, with normalized contrast."""

    def __init__(self, gray: np.ndarray, detector: HaarDetector, turns: Iterator[int]):
        self.gray, self.detector, self.turns = gray, detector, turns
        self.kinds = detector.plan_passes(gray.shape)
        # Frame pixels per view pixel
        self.scale = max(min(gray.shape) / LINES, math.sqrt(gray.size / MAX_PIXELS))
        self.usual, self.passes = len(self.kinds[0]), sum(map(len, self.kinds))
        self.soon = self.usual + sum(one.lines == LINES for kind in self.kinds for one in kind)

    @cached_property
    def plain(self) -> np.ndarray:
        """Return the scaled frame."""
        return rescale(self.gray, 1 / self.scale)

    @cached_property
    def normalized(self) -> np.ndarray:
        """Return the scaled frame with normalized contrast."""
        return self.detector.normalize(self.plain)

    def search(self, first: int, passes: int) -> list[np.ndarray]:
        """Return the candidates of some passes, float (x, y, side, tilt), smallest faces last."""
        whole = sorted(itertools.chain(*self.kinds), key=lambda one: one.lines > LINES)
        return self.run_passes(whole[first : first + passes])

    def search_on(self, passes: int) -> list[np.ndarray]:
        """Return the candidates of the passes whose turn it is."""
        return self.run_passes(take_turn(self.kinds, self.turns) for _ in range(passes))

    def run_passes(self, passes: Iterable[Pass], factor: float = COARSE_FACTOR) -> list[np.ndarray]:
        """Return the candidates of some passes, float (x, y, side, tilt)."""
        if min(self.gray.shape) < SMALLEST:  # the frame is too narrow for a face
            return []
        return [box for one in passes for box in self._run_pass(one, factor)]

    def _run_pass(self, one: Pass, factor: float) -> list[np.ndarray]:
        # Search for small faces in the original frame, where they have more pixels
        fine = one.lines > LINES
        pixels = self.gray if fine else self.normalized if one.normalized else self.plain
        unit = 1.0 if fine else self.scale
        shrink = (min(self.gray.shape) if fine else LINES) / one.lines
        # Extend the strip, so that it contains the faces on its edges
        rows, beyond = len(pixels), one.largest * shrink / 2
        first = max(0, round(rows * one.strip / one.strips - beyond))
        last = round(rows * (one.strip + 1) / one.strips + beyond)
        pixels = rescale(pixels[first:last], 1 / shrink)
        if fine:
            pixels = self.detector.normalize(pixels)
        # Repeat edge pixels, because the cascade can't find faces cut off by the frame
        rim = round(self.detector.rim * min(one.largest, one.lines))
        pixels = cv2.copyMakeBorder(pixels, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
        back = similarity(shrink * unit, shift=(0, first * unit)) @ similarity(shift=(-rim, -rim))
        if one.tilt:
            pixels, turned_back = turn(pixels, one.tilt)
            back = back @ turned_back
        sizes = (SMALLEST, one.largest)
        found = self.detector.run(FRONTAL, pixels, sizes, CANDIDATE_NEIGHBORS, factor)
        return [map_square(square, back, one.tilt) for square in found]

    def detect_near(
        self, box: np.ndarray, neighbors: int, cascade: str = FRONTAL, flip: bool = False
    ) -> np.ndarray | None:
        """Return the face with the tilt of `box` that overlaps it most; `flip` mirrors the crop."""
        size = round(ROI_SIZE * (1 + 2 * ROI_MARGIN))
        around = widen(box, ROI_MARGIN)
        around[:3] = np.rint(around[:3])
        part = self.detector.normalize_near(crop(self.gray, around, (size, size)))
        if flip:
            part = cv2.flip(part, 1)
        found = self.detector.run(cascade, part, (ROI_SIZE / GROWTH, ROI_SIZE * GROWTH), neighbors)
        # Map back to the frame: undo the flip and the tilt about the center of the neighbourhood
        back = similarity(around[2] / size, box[3], around[:2] + around[2] / 2)
        back = back @ np.diag([-1 if flip else 1, 1, 1])
        back = back @ similarity(shift=(-size / 2, -size / 2))
        return find_same([map_square(square, back, box[3]) for square in found], box)

    def follow(self, boxes: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return each known face, or None."""
        return [self.follow_one(box) for box in boxes]

    def follow_one(self, box: np.ndarray) -> np.ndarray | None:
        """Return a known face: with the same tilt, with more or less tilt, or in profile."""
        found = self.detect_near(box, FOLLOW_NEIGHBORS)
        for tilt in (box[3] - TILT_STEP, box[3] + TILT_STEP):
            if found is None and abs(tilt) <= MAX_TILT:
                found = self.detect_near(np.array([*box[:3], tilt]), FOLLOW_NEIGHBORS)
        for flip in (False, True):  # the profile cascade only knows one side
            if found is None:
                found = self.detect_near(box, FOLLOW_NEIGHBORS, PROFILE, flip)
        return found

    def confirm(self, candidate: np.ndarray) -> np.ndarray | None:
        """Return a candidate's refined box if both cascades find a face there, or None.

        A second look starts at the box from the first, since the same search gives the same result.
        """
        for _ in range(LOOKS):
            found = self.detect_near(candidate, MIN_NEIGHBORS)
            if found is None or self.is_face(found):
                return found
            candidate = found
        return None

    def is_face(self, box: np.ndarray) -> bool:
        """Return whether the second cascade also finds a face there, and in its mirror image."""
        looks = (self.detect_near(box, CONFIRM_NEIGHBORS, SECOND, flip) for flip in (False, True))
        return all(found is not None for found in looks)
