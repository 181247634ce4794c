"""Find the faces of a frame and their emotions: detect, track, classify, compare, smooth."""

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
NAME_AT_ONCE = 6  # classify up to this many faces a frame, or more if NAME_EVERY needs it
NAME_EVERY = 0.2  # seconds within which each face is classified again
# Shares of SMOOTHING, the time over which the average mixes the frames
NOT_BEFORE = 0.25  # minimum time between two classifications of a face
IN_TURNS = 0.5  # if less time has passed, classify only the face or its mirror image, in turns


@dataclass(frozen=True, eq=False, repr=False)  # comparing arrays with == gives an array
class Face:
    """A face in a frame: its number, its place, and the network's answer."""

    track_id: int  # stays the same from frame to frame; in a picture it counts from left to right
    square: np.ndarray  # float (x, y, side, tilt): pixels, degrees clockwise
    emotions: list[str]
    probabilities: np.ndarray  # float32 (emotions,), in the order of `emotions`
    label: str  # the emotion to show; it does not flicker (smoothing.py)
    found: bool = True  # False if the face was last found in an earlier frame
    baseline: float = 0.0  # how far a resting face corrects the probabilities, 0 to 1 (baseline.py)

    def __repr__(self) -> str:
        return f"Face({self.track_id}, {self.label} {self.label_confidence:.0%}, box={self.box})"

    def as_dict(self) -> dict:
        """Return the face as plain numbers and strings, ready for JSON."""
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
        """Return the likeliest emotion."""
        return self.emotions[self.probabilities.argmax()]

    @property
    def confidence(self) -> float:
        """Return the probability of the likeliest emotion."""
        return float(self.probabilities.max())

    @property
    def label_confidence(self) -> float:
        """Return the probability of the label."""
        return float(self.probabilities[self.emotions.index(self.label)])

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Return x, y, width and height in whole pixels."""
        x, y, side = (round(float(value)) for value in self.square[:3])
        return x, y, side, side

    def mirrored(self, frame_width: int) -> "Face":
        """Return the face as seen in the mirrored frame."""
        x, y, side, tilt = self.square
        return replace(self, square=np.array([frame_width - x - side, y, side, -tilt]))


def largest(faces: list[Face]) -> Face | None:
    """Return the largest face found in this frame, or None."""
    found = [face for face in faces if face.found]
    return max(found, key=lambda face: face.square[2], default=None)


class FaceAnalyzer:
    """Names the expression on every face in the frames of a video, or in pictures.

    An analyzer remembers the faces of earlier frames, so each video needs its own. For pictures,
    threads may share one analyzer, and then wait for each other. Threads with their own analyzers
    don't wait.
    """

    def __init__(
        self,
        classifier: Classifier,
        detector: Detector,
        smoothing: float = SMOOTHING,
        neutral: str = "off",
    ):
        self.classifier, self.detector = classifier, detector
        self.in_use = threading.Lock()  # OpenCV's network and cascades aren't thread-safe
        self.following = threading.Lock()  # only one thread may analyze a video
        self.tracker = Tracker(detector)
        self.baselines = Baselines(classifier.emotions, auto=neutral == "auto")
        self.smoother = ProbabilitySmoother(smoothing)
        self.mirrored: dict[int, bool] = {}  # by track: whether the last image was mirrored
        self.seconds = 0.0  # time of the last frame

    @classmethod
    def load(
        cls,
        folder: str | Path = PRETRAINED,
        smoothing: float = SMOOTHING,
        detector: str = "auto",
        neutral: str = "off",
    ) -> "FaceAnalyzer":
        """Return an analyzer with the network from a model folder (emotion.onnx and labels.txt).

        The default `folder` holds the network that ships with the project. `smoothing` is the time,
        in seconds, over which a face's probabilities are averaged; 0 turns it off. `detector` is
        "haar", the path of a YuNet model, or "auto". "auto" takes YuNet if its file is in data/,
        pretrained/ or `folder`, and the Haar cascades otherwise. With `neutral` "auto" the analyzer
        compares each face of a video with its own resting face (baseline.py). With "off" it does so
        only after a call of `learn_neutral`. Raises common.errors.UserError if a file can't be
        read, and ValueError for another `neutral`.
        """
        if neutral not in ("auto", "off"):
            raise ValueError(f"neutral={neutral!r}: must be 'auto' or 'off'")
        folder = Path(folder)
        detector = choose_detector(detector, folder)
        return cls(Classifier.load(folder), load_detector(detector), smoothing, neutral)

    @property
    def emotions(self) -> list[str]:
        """Return the emotions in the order of the probabilities."""
        return self.classifier.emotions

    def analyze(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """Return the faces of a video's next frame, taken at `seconds`.

        `frame` is BGR, uint8 (height, width, 3). Times may start anywhere but must not decrease.
        Raises ValueError for any other frame or a time that is not finite. Raises RuntimeError if
        another thread is analyzing: frames from two threads have no order.
        """
        gray = to_gray(frame)
        if not math.isfinite(seconds):
            raise ValueError(f"expected a finite time in seconds, got {seconds}")
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
        """Return the tracks to classify in this frame: new ones, then those that waited longest.

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
        """Return the images of a face to classify: itself, its mirror image, or both.

        One is enough, in turns, while the average mixes the two.
        """
        waited = self.smoother.waited(track_id, seconds)
        if waited >= IN_TURNS * self.smoother.time_constant:
            return BOTH
        self.mirrored[track_id] = not self.mirrored.get(track_id, False)
        return (self.mirrored[track_id],)

    def analyze_image(self, image: np.ndarray) -> list[Face]:
        """Return the faces of one picture, BGR, uint8 (height, width, 3), and remember nothing."""
        boxes, rows = self.classify_picture(image)
        rows, share = self.baselines.for_pictures(rows), self.baselines.share(0)
        faces = []
        for number, (box, row) in enumerate(zip(boxes, rows), 1):
            label = self.emotions[row.argmax()]
            faces.append(Face(number, box, self.emotions, row, label, baseline=share))
        return faces

    def learn_neutral(self, images: list[np.ndarray]) -> np.ndarray:
        """Learn one person's resting face from pictures, and use it for all faces from now on.

        `images` are BGR, uint8 (height, width, 3). Returns the network's probabilities for each,
        float32 (n, emotions). Raises ValueError unless each picture has exactly one face and the
        network has an emotion named neutral.
        """
        rows = [self.classify_picture(image)[1] for image in images]
        for found in rows:
            if len(found) != 1:
                raise ValueError(f"found {len(found)} faces in a picture that must show one person")
        self.baselines.learn_pictures(np.concatenate(rows))
        return np.concatenate(rows)

    def classify_picture(self, image: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the boxes of a picture's faces and the network's probabilities for them."""
        gray = to_gray(image)
        with self.in_use:
            boxes = self.detector.detect(gray)
            return boxes, self.classifier.classify(gray, boxes)


def to_gray(frame: np.ndarray) -> np.ndarray:
    """Return a BGR frame's gray values, uint8 (height, width). Raises ValueError for others."""
    if not isinstance(frame, np.ndarray):  # cv2.imread returns None for an unreadable file
        raise ValueError(f"expected BGR, uint8 (height, width, 3), got {type(frame).__name__}")
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        given = f"{frame.dtype} {frame.shape}"
        raise ValueError(f"expected BGR, uint8 (height, width, 3), got {given}")
    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
