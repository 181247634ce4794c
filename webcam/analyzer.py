"""From a frame to its faces and their emotions: detect, track, classify, smooth."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from webcam.classifier import Classifier
from webcam.detector import FaceDetector
from webcam.smoothing import ProbabilitySmoother
from webcam.tracker import Tracker

SMOOTHING = 0.3  # seconds over which the probabilities of a face are averaged


@dataclass(frozen=True)
class Face:
    """A face in a frame: its number, its box in whole pixels, and what the network says of it."""

    track_id: int  # the same from frame to frame; in a picture from left to right
    box: tuple[int, int, int, int]  # x, y, width, height
    emotion: str
    confidence: float  # the emotion's probability
    probabilities: np.ndarray  # float32 (emotions,), in the order of FaceAnalyzer.emotions

    def mirrored(self, frame_width: int) -> "Face":
        """Return the face as it lies in the mirror image of its frame."""
        x, y, width, height = self.box
        return replace(self, box=(frame_width - x - width, y, width, height))


class FaceAnalyzer:
    """Names the expression on every face of a video's frames, or of pictures.

    One analyzer for each video: it remembers the faces of earlier frames. Analyzers share nothing,
    so that several may work in several threads; one analyzer is for one thread at a time.
    """

    def __init__(
        self, classifier: Classifier, detector: FaceDetector, smoothing: float = SMOOTHING
    ):
        self.classifier, self.detector = classifier, detector
        self.tracker = Tracker(detector)
        self.smoother = ProbabilitySmoother(smoothing)

    @classmethod
    def load(cls, folder: str | Path, smoothing: float = SMOOTHING) -> "FaceAnalyzer":
        """Return an analyzer with the network of a model folder (emotion.tflite and labels.txt).

        `smoothing` is the time in seconds over which a face's probabilities are averaged, 0 for
        none. Raises common.errors.UserError when the folder holds no such network, or OpenCV no
        cascade.
        """
        return cls(Classifier.load(Path(folder)), FaceDetector(), smoothing)

    @property
    def emotions(self) -> list[str]:
        """The emotions in the order of the probabilities."""
        return self.classifier.emotions

    def analyze(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """Return the faces of a video's next frame, which was taken at `seconds`.

        `frame` is BGR, uint8 (height, width, 3). Times count from anywhere, and don't decrease.
        Raises ValueError for what is no such frame.
        """
        gray = to_gray(frame)
        tracks = self.tracker.update(gray, seconds)
        # A face that was not found where it was looked for keeps the probabilities that it has
        found = [track for track in tracks if track.found]
        probabilities = self.classifier.classify(gray, [track.smoothed_box for track in found])
        for track, row in zip(found, probabilities):
            self.smoother.update(track.track_id, row, seconds)
        self.smoother.keep({track.track_id for track in tracks})
        return [
            self.to_face(track.track_id, track.smoothed_box, self.smoother[track.track_id])
            for track in tracks
        ]

    def analyze_image(self, image: np.ndarray) -> list[Face]:
        """Return the faces of a single picture; nothing of it is remembered.

        `image` is BGR, uint8 (height, width, 3). Raises ValueError for what is no such picture.
        """
        gray = to_gray(image)
        boxes = self.detector.detect(gray)
        probabilities = self.classifier.classify(gray, boxes)
        pairs = enumerate(zip(boxes, probabilities), 1)
        return [self.to_face(number, box, row) for number, (box, row) in pairs]

    def to_face(self, track_id: int, box: np.ndarray, probabilities: np.ndarray) -> Face:
        """Return a face at a box, float (x, y, side), the likeliest emotion as its own."""
        x, y, side = (round(float(value)) for value in box)
        best = int(probabilities.argmax())
        emotion, confidence = self.emotions[best], float(probabilities[best])
        return Face(track_id, (x, y, side, side), emotion, confidence, probabilities)


def to_gray(frame: np.ndarray) -> np.ndarray:
    """Return the gray values, uint8 (height, width), of a BGR frame. Raises ValueError for others."""
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        what = f"a frame of {frame.dtype} {frame.shape}"
        raise ValueError(f"{what}, not BGR, uint8 (height, width, 3)")
    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
