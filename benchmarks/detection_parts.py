"""Measure the benefit and the cost of each part of the detector and the tracker.

    python benchmarks/detection_parts.py --clips FOLDER

Each clip shows one person and is scaled to 480 lines. It is searched unchanged and with changes:
the frame's edge cuts off a fifth of the face, the frame is rotated about the face, or it is reduced
to 120 lines. The reference is the cascade at (1.1, 5) on every whole unchanged frame, with the
boxes that last (benchmarks/detection.py). The largest box is the face.

    cell    share of frames in which a box overlaps the face (intersection over union above 0.35)
    false   boxes per 100 frames that overlap no face at most seven frames away, over all columns
    ms      median time of the detector and the tracker on the unchanged clips
"""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from detection import evaluate, list_clips, only_lasting, whole
from report import Table, add_save

from common.command_line import Parser, run
from webcam.analysis.tracker import Tracker
from webcam.detection.cascade import load_cascade
from webcam.detection.geometry import iou
from webcam.detection.haar import HaarDetector, HaarView
from webcam.detection.passes import LINES
from webcam.sources.open import open_source

SHARE = 0.2  # share of the face to cut off
Changed = tuple[np.ndarray, np.ndarray]  # a gray frame and the face's box in it


class NoRim(HaarDetector):
    rim = 0.0


class NoTilt(HaarDetector):
    """Finds only upright faces."""

    def plan_passes(self, shape):
        return [[one for one in kind if not one.tilt] for kind in super().plan_passes(shape)][:-1]

    def view(self, gray, turns):
        return NoTiltView(gray, self, turns)


class NoTiltView(HaarView):
    def detect_near(self, box, *arguments, **options):
        return None if box[3] else super().detect_near(box, *arguments, **options)


class NoProfile(HaarDetector):
    def run(self, cascade, pixels, *arguments):
        return [] if "profile" in cascade else super().run(cascade, pixels, *arguments)


class NoSecond(HaarDetector):
    def view(self, gray, turns):
        return NoSecondView(gray, self, turns)


class NoSecondView(HaarView):
    def is_face(self, box):
        return True


class NoEnlarging(HaarDetector):
    def view(self, gray, turns):
        return NoEnlargingView(gray, self, turns)


class NoEnlargingView(HaarView):
    def __init__(self, gray, detector, turns):
        super().__init__(gray, detector, turns)
        if self.scale < 1:
            self.scale, self.plain, self.normalized = 1.0, gray, detector.normalize(gray)


class NoPlainGrays(HaarDetector):
    def plan_passes(self, shape):
        return [[one for one in kind if one.normalized] for kind in super().plan_passes(shape)]


class NoScenes(Tracker):
    """Does not notice cuts and gaps."""

    def is_new_scene(self, gray, seconds):
        return self.frames == 0


PARTS: dict[str, tuple[Callable, Callable]] = {
    "all": (HaarDetector, Tracker),
    "no rim of repeated pixels": (NoRim, Tracker),
    "small frames not enlarged": (NoEnlarging, Tracker),
    "no search for tilted faces": (NoTilt, Tracker),
    "no cascade of profiles": (NoProfile, Tracker),
    "no second cascade": (NoSecond, Tracker),
    "no pass over grays as they are": (NoPlainGrays, Tracker),
    "cuts of the scene unnoticed": (HaarDetector, NoScenes),
}


def read_gray(path: Path) -> list[np.ndarray]:
    frames = []
    for image in (frame.image for frame in open_source([str(path)], None).frames() if frame):
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        scale = 480 / min(gray.shape)
        frames.append(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return frames


def faces_of(frames: list[np.ndarray]) -> list[np.ndarray | None]:
    """Return the face's box in each frame, float (x, y, side): the largest lasting box."""
    boxes, last = [], None
    for here in only_lasting(whole(frames, load_cascade())):
        last = max(here, key=lambda box: box[2], default=last)
        boxes.append(last)
    return boxes


def move(gray: np.ndarray, box: np.ndarray, right: float, down: float) -> Changed:
    affine = np.array([[1, 0, right], [0, 1, down]])
    size = gray.shape[::-1]
    moved = cv2.warpAffine(gray, affine, size, borderMode=cv2.BORDER_REPLICATE)
    return moved, box + np.array([right, down, 0])


def turn_about(gray: np.ndarray, box: np.ndarray, degrees: float) -> Changed:
    middle = tuple((box[:2] + box[2] / 2).tolist())
    affine = cv2.getRotationMatrix2D(middle, -degrees, 1)
    size = gray.shape[::-1]
    return cv2.warpAffine(gray, affine, size, borderMode=cv2.BORDER_REPLICATE), box


def reduce_to(gray: np.ndarray, box: np.ndarray, lines: int) -> Changed:
    scale = lines / min(gray.shape)
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small, box * scale


CHANGES: dict[str, Callable[[np.ndarray, np.ndarray], Changed]] = {
    "as it is": lambda gray, box: (gray, box),
    "top cut": lambda gray, box: move(gray, box, 0, -box[1] - SHARE * box[2]),
    "left cut": lambda gray, box: move(gray, box, -box[0] - SHARE * box[2], 0),
    "right cut": lambda gray, box: move(
        gray, box, gray.shape[1] - box[0] - (1 - SHARE) * box[2], 0
    ),
    "20 degrees": lambda gray, box: turn_about(gray, box, 20),
    "-20": lambda gray, box: turn_about(gray, box, -20),
    "30": lambda gray, box: turn_about(gray, box, 30),
    "-30": lambda gray, box: turn_about(gray, box, -30),
    "120 lines": lambda gray, box: reduce_to(gray, box, 120),
}


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--clips", type=Path, required=True, help="folder of videos of one person")
    add_save(parser)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    clips = [(frames, faces_of(frames)) for frames in map(read_gray, list_clips(args.clips))]
    count = sum(face is not None for _, faces in clips for face in faces)
    table = Table("detection_parts", "", *CHANGES, "false per 100", "ms")
    cascade = load_cascade()
    rows = {"cascade on every whole frame": None, **PARTS}
    for name, part in rows.items():
        cells, false, times = [], 0, []
        for change in CHANGES.values():
            found = 0
            for frames, faces in clips:
                tracker = part and part[1](part[0]())
                boxes, wanted = [], []
                for number, (gray, face) in enumerate(zip(frames, faces)):
                    if face is None:
                        continue
                    gray, face = change(gray, face)
                    start = time.perf_counter()
                    if tracker:
                        here = [track.box[:3] for track in tracker.update(gray, number / 30)]
                    else:
                        here = whole([gray], cascade)[0]
                    if change is CHANGES["as it is"]:
                        times.append(time.perf_counter() - start)
                    boxes.append(here)
                    wanted.append([face])
                    found += any(iou(box, face) > 0.35 for box in here)
                false += evaluate(boxes, wanted)[1]
            cells.append(f"{found / count:.3f}")
        rate = 100 * false / count / len(CHANGES)
        cells += [f"{rate:.1f}", f"{1000 * np.median(times):.1f}"]
        table.add(name, *cells)
    table.save(args.save, f"{len(clips)} clips", f"{count} frames", f"searched at {LINES} lines")


if __name__ == "__main__":
    run(main)
