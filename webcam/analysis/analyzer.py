"""From a frame to its faces and their emotions: detect, track, classify, smooth."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from webcam.analysis.classifier import Classifier
from webcam.analysis.smoothing import ProbabilitySmoother
from webcam.analysis.tracker import Track, Tracker
from webcam.detection.detector import load_detector
from webcam.detection.view import Detector

SMOOTHING = 0.3  # seconds over which the probabilities of a face are averaged
NAME_AT_ONCE = 6  # faces named in a frame at least
NAME_EVERY = 0.2  # seconds within which each face is named


@dataclass(frozen=True, eq=False)  # arrays have no single answer to ==
class Face:
    """A face in a frame: its number, its place, and the network's answer."""

    track_id: int  # the same from frame to frame; in a picture from left to right
    square: np.ndarray  # float (x, y, side, tilt): pixels, degrees clockwise
    emotion: str
    confidence: float  # the emotion's probability; for a moment not the highest, see smoothing.py
    probabilities: np.ndarray  # float32 (emotions,), in the order of FaceAnalyzer.emotions
    found: bool = True  # in this frame; else a moment ago

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Its x, y, width and height in whole pixels."""
        x, y, side = (round(float(value)) for value in self.square[:3])
        return x, y, side, side

    def mirrored(self, frame_width: int) -> "Face":
        """Return the face as it lies in the mirror image of its frame."""
        x, y, side, tilt = self.square
        return replace(self, square=np.array([frame_width - x - side, y, side, -tilt]))


class FaceAnalyzer:
    """Names the expression on every face of a video's frames, or of pictures.

    It remembers the faces of earlier frames, so each video needs its own. Analyzers share nothing:
    each thread may have one.
    """

    def __init__(self, classifier: Classifier, detector: Detector, smoothing: float = SMOOTHING):
        self.classifier, self.detector = classifier, detector
        self.tracker = Tracker(detector)
        self.smoother = ProbabilitySmoother(smoothing)
        self.seconds = 0.0  # of the last frame

    @classmethod
    def load(
        cls, folder: str | Path, smoothing: float = SMOOTHING, detector: str = "haar"
    ) -> "FaceAnalyzer":
        """Return an analyzer with the network of a model folder (emotion.onnx and labels.txt).

        `smoothing` is the time in seconds over which a face's probabilities are averaged, 0 for
        none, `detector` "haar" or the path of a YuNet model. Raises common.errors.UserError when
        one of them can't be read.
        """
        return cls(Classifier.load(Path(folder)), load_detector(detector), smoothing)

    @property
    def emotions(self) -> list[str]:
        """The emotions in the order of the probabilities."""
        return self.classifier.emotions

    def analyze(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """Return the faces of a video's next frame, which was taken at `seconds`.

        `frame` is BGR, uint8 (height, width, 3); ValueError is raised for others. Times count from
        anywhere, and don't decrease.
        """
        gray = to_gray(frame)
        tracks = self.tracker.update(gray, seconds)
        self.smoother.keep({track.track_id for track in tracks})
        named = self.choose_tracks(tracks, seconds)
        probabilities = self.classifier.classify(gray, [track.smoothed_box for track in named])
        for track, row in zip(named, probabilities):
            self.smoother.update(track.track_id, row, seconds)
        self.seconds = seconds
        faces = []
        for track in tracks:
            row, label = self.smoother[track.track_id], self.smoother.label(track.track_id)
            face = self.to_face(track.track_id, track.smoothed_box, row, label)
            faces.append(replace(face, found=track.found))
        return faces

    def choose_tracks(self, tracks: list[Track], seconds: float) -> list[Track]:
        """Return the tracks to name in this frame: new ones, then those that have waited longest.

        A face that was not found keeps its probabilities.
        """
        waited = {track.track_id: self.smoother.waited(track.track_id, seconds) for track in tracks}
        found = [track for track in tracks if track.found or math.isinf(waited[track.track_id])]
        found.sort(key=lambda track: -waited[track.track_id])
        new = sum(math.isinf(waited[track.track_id]) for track in found)
        due = math.ceil(len(found) * (seconds - self.seconds) / NAME_EVERY)
        return found[: max(NAME_AT_ONCE, due, new)]

    def analyze_image(self, image: np.ndarray) -> list[Face]:
        """Return the faces of a single picture, BGR, uint8 (height, width, 3); remember nothing."""
        gray = to_gray(image)
        boxes = self.detector.detect(gray)
        pairs = enumerate(zip(boxes, self.classifier.classify(gray, boxes)), 1)
        return [self.to_face(number, box, row, row.argmax()) for number, (box, row) in pairs]

    def to_face(self, track_id: int, box: np.ndarray, row: np.ndarray, label: int) -> Face:
        """Return a face at a box with a row of probabilities; `label` is its emotion's number."""
        return Face(track_id, box, self.emotions[label], float(row[label]), row)


def to_gray(frame: np.ndarray) -> np.ndarray:
    """Return the gray values, uint8 (height, width), of a BGR frame. Raises ValueError for others."""
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        given = f"{frame.dtype} {frame.shape}"
        raise ValueError(f"a frame of {given}, not BGR, uint8 (height, width, 3)")
    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
