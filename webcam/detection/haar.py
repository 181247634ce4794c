"""Haar cascades: in a picture, in a frame pass by pass, and around a known face."""

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

SCALE_FACTOR = 1.1  # between two sizes of face
COARSE_FACTOR = 1.2  # the same in a video's frame: a face missed there is found in the next ones
MIN_NEIGHBORS = 5  # of a new face
FOLLOW_NEIGHBORS = 3  # of a known face
CANDIDATE_NEIGHBORS = 1  # of a candidate, which is looked at again
CONFIRM_NEIGHBORS = 5  # by the second cascade
LOOKS = 2  # at a candidate
ROI_SIZE = 56  # pixels that a known face is scaled to, so that a search costs the same at any size
ROI_MARGIN = 0.3  # of a face's side: how far beyond its last box it is looked for
NEAR_TILES = 2  # of the CLAHE there, each way: as large as those of a frame, in pixels of a face
GROWTH = 1.16  # of a known face between two frames, at most
# OpenCV sizes a cascade's buffers by the widest and the tallest image seen so far. Pictures with a
# larger aspect get cascades of their own, lest a thin and a flat one take all memory
KEPT_ASPECT = 4
AVATAR_LINES = 100  # of a picture's shorter side, below which its largest candidate is a face


class HaarDetector:
    """OpenCV's cascades of frontal faces and profiles.

    Each detector has cascades and a CLAHE of its own, so that several threads may have one each.
    `normalize` takes and returns grays, in place of `normalize_contrast`.
    """

    rim = 0.2  # of the largest face of a pass: how far it may lie beyond the frame's edge

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
        """Return what a cascade finds, float (x, y, side) in pixels of `pixels`, between two sizes."""
        if cascade not in self.cascades:  # that of profiles, which the first face need not wait for
            self.cascades[cascade] = load_cascade(cascade)
        smallest, largest = ((round(size), round(size)) for size in sizes)
        found = self.cascades[cascade].detectMultiScale(
            pixels, factor, neighbors, minSize=smallest, maxSize=largest
        )
        return [np.array(box[:3], float) for box in found]

    def plan_passes(self, shape: tuple[int, int]) -> list[list[Pass]]:
        """Return the passes that together search a video's frame, (height, width), in kinds."""
        return plan_passes(shape)

    def view(self, gray: np.ndarray, turns: Iterator[int]) -> "HaarView":
        """Return a view of a video's frame; `turns` counts passes."""
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
    """One frame as it is searched: reduced or enlarged to LINES, its contrast normalized."""

    def __init__(self, gray: np.ndarray, detector: HaarDetector, turns: Iterator[int]):
        self.gray, self.detector, self.turns = gray, detector, turns
        self.kinds = detector.plan_passes(gray.shape)
        # Pixels of the frame in one of the view
        self.scale = max(min(gray.shape) / LINES, math.sqrt(gray.size / MAX_PIXELS))
        self.usual, self.passes = len(self.kinds[0]), sum(map(len, self.kinds))
        self.soon = self.usual + sum(one.lines == LINES for kind in self.kinds for one in kind)

    @cached_property
    def plain(self) -> np.ndarray:
        """The view as it is."""
        return rescale(self.gray, 1 / self.scale)

    @cached_property
    def normalized(self) -> np.ndarray:
        """The view with its contrast evened out."""
        return self.detector.normalize(self.plain)

    def search(self, first: int, passes: int) -> list[np.ndarray]:
        """Return the candidates of some passes, float (x, y, side, tilt); the smallest faces last."""
        whole = sorted(itertools.chain(*self.kinds), key=lambda one: one.lines > LINES)
        return self.run_passes(whole[first : first + passes])

    def search_on(self, passes: int) -> list[np.ndarray]:
        """Return the candidates of the passes whose turn it is."""
        return self.run_passes(take_turn(self.kinds, self.turns) for _ in range(passes))

    def run_passes(self, passes: Iterable[Pass], factor: float = COARSE_FACTOR) -> list[np.ndarray]:
        """Return the candidates of some passes, float (x, y, side, tilt)."""
        if min(self.gray.shape) < SMALLEST:  # too narrow for a face
            return []
        return [box for one in passes for box in self._run_pass(one, factor)]

    def _run_pass(self, one: Pass, factor: float) -> list[np.ndarray]:
        # Small faces are larger in the frame itself
        fine = one.lines > LINES
        pixels = self.gray if fine else self.normalized if one.normalized else self.plain
        unit = 1.0 if fine else self.scale
        shrink = (min(self.gray.shape) if fine else LINES) / one.lines
        # A strip includes the rest of a face at its edge
        rows, beyond = len(pixels), one.largest * shrink / 2
        first = max(0, round(rows * one.strip / one.strips - beyond))
        last = round(rows * (one.strip + 1) / one.strips + beyond)
        pixels = rescale(pixels[first:last], 1 / shrink)
        if fine:
            pixels = self.detector.normalize(pixels)
        # Repeat edge pixels: the cascade finds no face that the frame cuts
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
        """Return the face near `box`, tilted like it, that overlaps it most; `flip` mirrors the image."""
        size = round(ROI_SIZE * (1 + 2 * ROI_MARGIN))
        around = widen(box, ROI_MARGIN)
        around[:3] = np.rint(around[:3])
        part = self.detector.normalize_near(crop(self.gray, around, (size, size)))
        if flip:
            part = cv2.flip(part, 1)
        found = self.detector.run(cascade, part, (ROI_SIZE / GROWTH, ROI_SIZE * GROWTH), neighbors)
        # From the middle of the neighbourhood, flipped and turned back about it
        back = similarity(around[2] / size, box[3], around[:2] + around[2] / 2)
        back = back @ np.diag([-1 if flip else 1, 1, 1])
        back = back @ similarity(shift=(-size / 2, -size / 2))
        return find_same([map_square(square, back, box[3]) for square in found], box)

    def follow(self, boxes: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return the known faces."""
        return [self.follow_one(box) for box in boxes]

    def follow_one(self, box: np.ndarray) -> np.ndarray | None:
        """Return a known face: as it was, tilted more or less, or turned to one side."""
        found = self.detect_near(box, FOLLOW_NEIGHBORS)
        for tilt in (box[3] - TILT_STEP, box[3] + TILT_STEP):
            if found is None and abs(tilt) <= MAX_TILT:
                found = self.detect_near(np.array([*box[:3], tilt]), FOLLOW_NEIGHBORS)
        for flip in (False, True):  # the cascade of profiles knows only one side
            if found is None:
                found = self.detect_near(box, FOLLOW_NEIGHBORS, PROFILE, flip)
        return found

    def confirm(self, candidate: np.ndarray) -> np.ndarray | None:
        """Return a candidate's box where both cascades find a face, or None.

        A second look starts from the box of the first: repeating that would give the same.
        """
        for _ in range(LOOKS):
            found = self.detect_near(candidate, MIN_NEIGHBORS)
            if found is None or self.is_face(found):
                return found
            candidate = found
        return None

    def is_face(self, box: np.ndarray) -> bool:
        """Return whether the second cascade finds a face there, and in its mirror image, too."""
        looks = (self.detect_near(box, CONFIRM_NEIGHBORS, SECOND, flip) for flip in (False, True))
        return all(found is not None for found in looks)
