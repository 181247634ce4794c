"""From a frame to its faces and their emotions: detect, track, classify, compare, smooth."""

import math
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from common.files import PRETRAINED
from webcam.analysis.baseline import Baselines
from webcam.analysis.classifier import BOTH, Classifier, Sides
from webcam.analysis.smoothing import ProbabilitySmoother
from webcam.analysis.tracker import Track, Tracker
from webcam.detection.detector import choose_detector, load_detector
from webcam.detection.view import Detector

SMOOTHING = 0.2  # seconds over which the probabilities of a face are averaged
NAME_AT_ONCE = 6  # faces named in a frame at least, if so many are due
NAME_EVERY = 0.2  # seconds within which each face is named
# Shares of SMOOTHING, over which the average mixes the frames
NOT_BEFORE = 0.25  # has passed since a face was named: it is not named again sooner
IN_TURNS = 0.5  # has not: the face or its mirror image, the other one the next time, will do


@dataclass(frozen=True, eq=False, repr=False)  # arrays have no single answer to ==
class Face:
    """A face in a frame: its number, its place, and the network's answer."""

    track_id: int  # the same from frame to frame; in a picture from left to right
    square: np.ndarray  # float (x, y, side, tilt): pixels, degrees clockwise
    emotions: list[str]
    probabilities: np.ndarray  # float32 (emotions,), in their order
    label: str  # the emotion to show, which does not flicker (smoothing.py)
    found: bool = True  # in this frame; else a moment ago
    baseline: float = 0.0  # how far its own resting face is the measure, 0 to 1 (baseline.py)

    def __repr__(self) -> str:
        return f"Face({self.track_id}, {self.label} {self.label_confidence:.0%}, box={self.box})"

    def as_dict(self) -> dict:
        """Return the face in plain numbers and words, which go into JSON."""
        named = zip(self.emotions, self.probabilities.tolist())
        return {
            "track_id": self.track_id,
            "box": list(self.box),
            "tilt": round(float(self.square[3]), 1),
            "found": self.found,
            "label": self.label,
            "emotion": self.emotion,
            "confidence": self.confidence,
            "probabilities": dict(named),
            "baseline": self.baseline,
        }

    @property
    def emotion(self) -> str:
        """The likeliest emotion."""
        return self.emotions[self.probabilities.argmax()]

    @property
    def confidence(self) -> float:
        """The probability of the likeliest emotion."""
        return float(self.probabilities.max())

    @property
    def label_confidence(self) -> float:
        """The probability of the label."""
        return float(self.probabilities[self.emotions.index(self.label)])

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Its x, y, width and height in whole pixels."""
        x, y, side = (round(float(value)) for value in self.square[:3])
        return x, y, side, side

    def mirrored(self, frame_width: int) -> "Face":
        """Return the face as it lies in the mirror image of its frame."""
        x, y, side, tilt = self.square
        return replace(self, square=np.array([frame_width - x - side, y, side, -tilt]))


def largest(faces: list[Face]) -> Face | None:
    """Return the largest of the faces that were found, None if there is none."""
    found = [face for face in faces if face.found]
    return max(found, key=lambda face: face.square[2], default=None)


class FaceAnalyzer:
    """Names the expression on every face of a video's frames, or of pictures.

    It remembers the faces of earlier frames, so each video needs its own. Any number of threads may
    share one for pictures: they wait for one another. Analyzers share nothing, so that threads with
    one each don't wait.
    """

    def __init__(
        self,
        classifier: Classifier,
        detector: Detector,
        smoothing: float = SMOOTHING,
        neutral: str = "off",
    ):
        self.classifier, self.detector = classifier, detector
        self.in_use = threading.Lock()  # OpenCV's network and cascades are for one thread at once
        self.following = threading.Lock()  # a video is for one thread
        self.tracker = Tracker(detector)
        self.baselines = Baselines(classifier.emotions, auto=neutral == "auto")
        self.smoother = ProbabilitySmoother(smoothing)
        self.mirrored: dict[int, bool] = {}  # whether each track's mirror image was named last
        self.seconds = 0.0  # of the last frame

    @classmethod
    def load(
        cls,
        folder: str | Path = PRETRAINED,
        smoothing: float = SMOOTHING,
        detector: str = "auto",
        neutral: str = "off",
    ) -> "FaceAnalyzer":
        """Return an analyzer with the network of a model folder (emotion.onnx and labels.txt).

        Without a `folder` it is the network that comes along. `smoothing` is the time in seconds
        over which a face's probabilities are averaged, 0 for none. `detector` is "haar", the path of
        a YuNet model, or "auto": YuNet if its file lies in data/, pretrained/ or `folder`, else the
        Haar cascades. With `neutral` "auto" each face of a video is compared with itself at rest
        (baseline.py), with "off" only where `learn_neutral` was called. Raises
        common.errors.UserError when a file can't be read, ValueError for another `neutral`.
        """
        if neutral not in ("auto", "off"):
            raise ValueError(f"neutral={neutral!r}: not auto or off")
        folder = Path(folder)
        detector = choose_detector(detector, folder)
        return cls(Classifier.load(folder), load_detector(detector), smoothing, neutral)

    @property
    def emotions(self) -> list[str]:
        """The emotions in the order of the probabilities."""
        return self.classifier.emotions

    def analyze(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """Return the faces of a video's next frame, which was taken at `seconds`.

        `frame` is BGR, uint8 (height, width, 3); ValueError is raised for others. Times count from
        anywhere, and don't decrease. Raises RuntimeError while another thread is in it: frames of
        two threads have no order.
        """
        gray = to_gray(frame)
        if not math.isfinite(seconds):
            raise ValueError(f"a frame at {seconds} seconds")
        if not self.following.acquire(blocking=False):
            raise RuntimeError("analyze() in two threads at once; give each video its own analyzer")
        try:
            with self.in_use:
                return self._follow(gray, seconds)
        finally:
            self.following.release()

    def _follow(self, gray: np.ndarray, seconds: float) -> list[Face]:
        """Return the faces of the next gray frame."""
        tracks = self.tracker.update(gray, seconds)
        for memory in (self.smoother, self.baselines):
            memory.keep({track.track_id for track in tracks})
        self.mirrored = {
            track.track_id: self.mirrored.get(track.track_id, False) for track in tracks
        }
        named = self.choose_tracks(tracks, seconds)
        sides = [self.choose_sides(track.track_id, seconds) for track in named]
        boxes = [track.smoothed_box for track in named]
        probabilities = self.classifier.classify(gray, boxes, sides)
        for track, row in zip(named, probabilities):
            row = self.baselines.update(track.track_id, row, seconds)
            self.smoother.update(track.track_id, row, seconds)
        self.seconds = seconds
        faces = []
        for track in tracks:
            number = track.track_id
            row, label = self.smoother[number], self.emotions[self.smoother.label(number)]
            box, share = track.smoothed_box, self.baselines.share(number)
            faces.append(Face(number, box, self.emotions, row, label, track.found, share))
        return faces

    def choose_tracks(self, tracks: list[Track], seconds: float) -> list[Track]:
        """Return the tracks to name in this frame: new ones, then those that have waited longest.

        A face that was not found keeps its probabilities.
        """
        waited = {track.track_id: self.smoother.waited(track.track_id, seconds) for track in tracks}
        new = [track for track in tracks if math.isinf(waited[track.track_id])]
        pause = NOT_BEFORE * self.smoother.time_constant
        found = [
            track for track in tracks if track.found and pause <= waited[track.track_id] < math.inf
        ]
        found.sort(key=lambda track: -waited[track.track_id])
        elapsed = seconds - self.seconds
        at_once = math.ceil(len(tracks) * elapsed / pause) if pause else NAME_AT_ONCE
        due = math.ceil(len(found) * elapsed / NAME_EVERY)
        return [*new, *found][: max(min(at_once, NAME_AT_ONCE), due, len(new))]

    def choose_sides(self, track_id: int, seconds: float) -> Sides:
        """Return which images of a face to name: both, or one in turns while the average mixes them."""
        waited = self.smoother.waited(track_id, seconds)
        if waited >= IN_TURNS * self.smoother.time_constant:
            return BOTH
        self.mirrored[track_id] = not self.mirrored.get(track_id, False)
        return (self.mirrored[track_id],)

    def analyze_image(self, image: np.ndarray) -> list[Face]:
        """Return the faces of a single picture, BGR, uint8 (height, width, 3); remember nothing."""
        boxes, rows = self.classify_picture(image)
        rows, share = self.baselines.for_pictures(rows), self.baselines.share(0)
        faces = []
        for number, (box, row) in enumerate(zip(boxes, rows), 1):
            label = self.emotions[row.argmax()]
            faces.append(Face(number, box, self.emotions, row, label, baseline=share))
        return faces

    def learn_neutral(self, images: list[np.ndarray]) -> np.ndarray:
        """Take pictures of one person at rest as the measure of neutral, for all faces from now on.

        Returns what the network says of each, float32 (n, emotions). `images` are BGR, uint8
        (height, width, 3). Raises ValueError for a picture that has not exactly one face, and for a
        network without an emotion named neutral.
        """
        rows = [self.classify_picture(image)[1] for image in images]
        for found in rows:
            if len(found) != 1:
                raise ValueError(f"{len(found)} faces in a picture of one person at rest")
        self.baselines.learn_pictures(np.concatenate(rows))
        return np.concatenate(rows)

    def classify_picture(self, image: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the boxes of a picture's faces, and what the network says of them."""
        gray = to_gray(image)
        with self.in_use:
            boxes = self.detector.detect(gray)
            return boxes, self.classifier.classify(gray, boxes)


def to_gray(frame: np.ndarray) -> np.ndarray:
    """Return the gray values, uint8 (height, width), of a BGR frame. Raises ValueError for others."""
    if not isinstance(frame, np.ndarray):  # cv2.imread returns None for a file that it can't read
        raise ValueError(f"a frame of {type(frame).__name__}, not BGR, uint8 (height, width, 3)")
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        given = f"{frame.dtype} {frame.shape}"
        raise ValueError(f"a frame of {given}, not BGR, uint8 (height, width, 3)")
    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
