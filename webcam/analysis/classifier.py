"""The network in cv2.dnn: the probabilities of faces, and the crops that it is given."""

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from common.labels import read_labels
from webcam.analysis.tflite import has_dense_bias, input_shape
from webcam.detection.geometry import crop, widen

MARGIN = 0.025  # of a face's side, added on each side before the network sees it


@dataclass
class Classifier:
    """A TFLite network in cv2.dnn.

    `emotions` are in the order of its outputs, `height` and `width` those of its input in pixels.
    """

    net: "cv2.dnn.Net"
    emotions: list[str]
    height: int
    width: int

    @classmethod
    def load(cls, folder: Path) -> "Classifier":
        """Load emotion.tflite and labels.txt.

        Raises UserError by name when one is missing, broken, or does not fit the other.
        """
        path, labels = folder / "emotion.tflite", folder / "labels.txt"
        for file in (path, labels):
            if not file.is_file():
                mend = "make it with `python train.py`, or choose another --model"
                fail(f"{file}: no such file; {mend}")
        try:
            tflite = path.read_bytes()
            _, height, width, channels = input_shape(tflite)
            dense_bias = has_dense_bias(tflite)
            if not all(0 < size <= 1024 for size in (height, width, channels)):
                raise ValueError("no image goes in")
            # Not by its name, which on Windows OpenCV takes in the system's code page
            net = cv2.dnn.readNetFromTFLite(np.frombuffer(tflite, np.uint8))
            net.setInput(np.zeros((1, channels, height, width), np.float32))
            outputs = net.forward().size
        except (cv2.error, struct.error, ValueError, IndexError):
            mend = "make it again with `python train.py --export`"
            fail(f"{path}: not a TFLite network that OpenCV can read; {mend}")
        if dense_bias:
            mend = "write it as a 1x1 convolution, as train.py does"
            fail(f"{path}: has a dense layer, whose bias OpenCV leaves out; {mend}")
        if channels != 1:
            fail(f"{path}: takes {channels} channels, not 1 (gray); train it with train.py")
        return cls(net, read_labels(labels, outputs), height, width)

    def classify(self, gray: np.ndarray, boxes: list[np.ndarray]) -> np.ndarray:
        """Return the probabilities of faces, float32 (n, emotions), in one pass.

        `gray` is a frame, uint8 (height, width), `boxes` are float (x, y, side, tilt) in it.
        """
        if not boxes:
            return np.empty((0, len(self.emotions)), np.float32)
        size = (self.height, self.width)
        return self.predict(np.stack([crop_face(gray, box, size) for box in boxes]))

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return the probabilities, float32 (n, emotions), of crops, uint8 (n, height, width)."""
        self.net.setInput(crops[:, None].astype(np.float32))
        return self.net.forward()


def crop_face(gray: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a face at a detector's box, float (x, y, side, tilt), upright, at `size`.

    `gray` is a frame, uint8 (height, width), `size` (height, width). With MARGIN around the box the
    network sees faces as FER-2013 frames them. Accuracy over validation faces put into larger
    scenes, found and cropped with a margin on each side (benchmarks/crop_margin.py, majority rule,
    n = 13,031; 0.866 for the faces as they are):

        margin    -0.1   -0.05  0      0.025  0.05   0.075  0.1    0.2    0.3
        accuracy  0.840  0.857  0.867  0.870  0.870  0.862  0.860  0.823  0.741
    """
    return crop(gray, widen(box, MARGIN), size)
