"""Run the network in cv2.dnn: crop faces and return their probabilities."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail, first_line
from common.files import LARGEST_NETWORK, require_file
from common.labels import read_labels
from webcam.analysis.onnx import input_shape
from webcam.detection.geometry import crop, widen

AGAIN = "export it again with `python train.py --export`"
Sides = tuple[bool, ...]  # images of a face to classify: False as it is, True mirrored
BOTH = (False, True)
TOLERANCE = 0.01  # how far the sum of a face's probabilities may be from 1
MARGIN = 0.025  # share of a face's side to add on each side of its crop


@dataclass
class Classifier:
    """An ONNX network in cv2.dnn that classifies each face and its mirror image.

    `emotions` are in the order of the outputs. The network takes faces of `side` by `side` pixels
    in 1 or 3 `channels`, either in batches of any size or `one_by_one`.
    """

    net: "cv2.dnn.Net"
    emotions: list[str]
    side: int
    channels: int
    one_by_one: bool

    @classmethod
    def load(cls, folder: Path) -> "Classifier":
        """Load emotion.onnx and labels.txt.

        Raises UserError if one is missing or broken, or if they don't match.
        """
        path = folder / "emotion.onnx"
        old = folder / "emotion.tflite"
        if old.is_file() and not path.is_file():
            mend = f"convert emotion.keras with `python train.py --export --out {folder}`"
            fail(old, "networks are now read from emotion.onnx", mend)
        mend = "make it with `python train.py`, or choose another --model"
        require_file(path, LARGEST_NETWORK, mend)
        try:
            onnx = path.read_bytes()
            takes = check_shape(path, input_shape(onnx))
            # Pass bytes, not the path: on Windows, OpenCV decodes paths in the system's code page
            net = cv2.dnn.readNetFromONNX(np.frombuffer(onnx, np.uint8))
        except (cv2.error, ValueError, TypeError, RecursionError):
            fail(path, "not an ONNX network that OpenCV can read", AGAIN)
        classifier = cls(net, [], *takes)
        classifier.emotions = read_labels(folder / "labels.txt", classifier.check(path))
        return classifier

    def check(self, path: Path) -> int:
        """Return the number of outputs. Raises UserError unless they are probabilities."""
        faces = np.zeros((2, self.side, self.side), np.uint8)
        faces[1] = np.linspace(0, 255, self.side)
        try:
            outputs = self.forward(faces)
        except cv2.error as error:
            fail(path, f"OpenCV can't run it ({first_line(error)})", AGAIN)
        if outputs.ndim != 2 or len(outputs) != 2:
            wrong = f"its output for two faces has shape {outputs.shape}, not (2, emotions)"
            fail(path, wrong, "export it with a variable batch size, or a batch size of 1")
        if not (outputs >= 0).all() or np.abs(outputs.sum(axis=1) - 1).max() > TOLERANCE:
            fail(path, "its outputs are not probabilities", "end the network with a softmax")
        return outputs.shape[1]

    def classify(
        self, gray: np.ndarray, boxes: list[np.ndarray], sides: list[Sides] | None = None
    ) -> np.ndarray:
        """Return the probabilities of faces, float32 (n, emotions), in one pass.

        `gray` is a frame, uint8 (height, width). `boxes` are float (x, y, side, tilt). `sides` has
        one entry per face; the default is BOTH.
        """
        if not boxes:
            return np.empty((0, len(self.emotions)), np.float32)
        size = (self.side, self.side)
        return self.predict(np.stack([crop_face(gray, box, size) for box in boxes]), sides)

    def predict(self, crops: np.ndarray, sides: list[Sides] | None = None) -> np.ndarray:
        """Return the probabilities, float32 (n, emotions), of crops, uint8 (n, side, side).

        This averages the logits of a face's `sides`. Logs of probabilities serve as logits, since
        their softmax is the same.
        """
        asked = [(n, flip) for n, both in enumerate(sides or [BOTH] * len(crops)) for flip in both]
        shares = self.forward(
            np.stack([crops[n, :, ::-1] if flip else crops[n] for n, flip in asked])
        )
        logits = np.log(np.maximum(shares, np.finfo(np.float32).tiny))
        sums = np.zeros((len(crops), shares.shape[1]), np.float32)
        faces = [n for n, _ in asked]
        np.add.at(sums, faces, logits)
        logits = sums / np.bincount(faces)[:, None]
        return softmax(logits)

    def forward(self, crops: np.ndarray) -> np.ndarray:
        """Return the network's outputs for gray crops, uint8 (n, side, side)."""
        blob = np.repeat(crops[:, None], self.channels, axis=1).astype(np.float32)
        outputs = []
        for batch in blob[:, None] if self.one_by_one else [blob]:
            self.net.setInput(batch)
            outputs.append(self.net.forward().copy())
        return np.concatenate(outputs)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities of logits, float (..., emotions)."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def check_shape(path: Path, shape: list) -> tuple[int, int, bool]:
    """Return the side and channels of a network's input, and whether it takes one face at a time.

    Raises UserError for any other shape.
    """
    match shape:
        case [1 | None as batch, 1 | 3 as channels, int(side), width] if side == width <= 1024:
            return side, channels, batch == 1
    takes = " x ".join(str(length or "any") for length in shape)
    wrong = f"its input is {takes}, not batch (any or 1) x channels (1 or 3) x side x side"
    fail(path, wrong, "export it for square faces of a fixed size")


def crop_face(gray: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crop a face at a detector's box, float (x, y, side, tilt), upright, at `size`.

    `gray` is a frame, uint8 (height, width). `size` is (height, width). MARGIN makes the crop frame
    faces as FER-2013 does. benchmarks/crop_margin.py puts validation faces into larger scenes,
    finds them, and crops them with a margin on each side. Accuracy by the majority rule, n = 13,031
    (0.866 for the original faces):

        margin    -0.1   -0.05  0      0.025  0.05   0.075  0.1    0.2    0.3
        accuracy  0.840  0.857  0.867  0.870  0.870  0.862  0.860  0.823  0.741
    """
    return crop(gray, widen(box, MARGIN), size)
