"""The network in cv2.dnn, and the probabilities of the faces of a frame."""

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from webcam.geometry import ema_weight
from webcam.tflite import input_shape
from webcam.tracker import Face

MARGIN = 0.025  # of a face's side, added on each side before the network sees it
SMOOTHING = 0.3  # seconds over which the probabilities of a face are averaged


@dataclass
class Network:
    """A TFLite network in cv2.dnn, its emotions in the order of its outputs, and its input's height and width."""

    net: "cv2.dnn.Net"
    emotions: list[str]
    height: int
    width: int

    def name(self, crops: np.ndarray) -> np.ndarray:
        """Return the probabilities, float32 (n, emotions), of gray crops, uint8 (n, height, width), in one pass."""
        self.net.setInput(crops[:, None].astype(np.float32))
        return self.net.forward()


def load_network(folder: Path) -> Network:
    """Load emotion.tflite and labels.txt; fails by name when one is missing, broken, or does not fit the other."""
    path, labels = folder / "emotion.tflite", folder / "labels.txt"
    for file in (path, labels):
        if not file.is_file():
            fail(f"{file}: no such file; make it with `python train.py`, or choose another --model")
    emotions = labels.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    try:
        _, height, width, channels = input_shape(path.read_bytes())
        if not all(0 < size <= 1024 for size in (height, width, channels)):
            raise ValueError("no image goes in")
        net = cv2.dnn.readNetFromTFLite(str(path))
        net.setInput(np.zeros((1, channels, height, width), np.float32))
        outputs = net.forward().size
    except (cv2.error, struct.error, ValueError):
        fail(f"{path}: not a TFLite network that OpenCV can read; make it again with `python train.py --export`")
    if channels != 1:
        fail(f"{path}: takes {channels} channels, not 1 (gray); train it with train.py")
    if len({emotion.strip() for emotion in emotions} - {""}) != len(emotions):
        fail(f"{labels}: a blank or repeated label; copy it again from beside the network")
    if outputs != len(emotions):
        fail(f"{labels}: {len(emotions)} labels for a network of {outputs} outputs; copy both again")
    return Network(net, emotions, height, width)


def crop(gray: np.ndarray, box: tuple[int, int, int], network: Network) -> np.ndarray:
    """Return the face as the network takes it, uint8 (height, width); what lies outside the frame repeats its edge."""
    x, y, side = box
    above, left = max(0, -y), max(0, -x)
    below, right = max(0, y + side - gray.shape[0]), max(0, x + side - gray.shape[1])
    face = gray[max(0, y) : y + side, max(0, x) : x + side]
    face = cv2.copyMakeBorder(face, above, below, left, right, cv2.BORDER_REPLICATE)
    return cv2.resize(face, (network.width, network.height), interpolation=cv2.INTER_AREA)


def classify(gray: np.ndarray, faces: list[Face], network: Network, seconds: float, smoothing: float) -> None:
    """Set the probabilities, float32 (emotions,), of a frame's faces in one pass, averaged over `smoothing` seconds.

    A face that was not found where it was looked for keeps those it has. With MARGIN around the cascade's box the
    network sees faces as FER-2013 frames them. Accuracy over validation faces put into larger scenes, found and cropped
    with a margin on each side (benchmarks/crop_margin.py, majority rule, n = 13,031; 0.866 for the faces as they are):

        margin    -0.1   -0.05  0      0.025  0.05   0.075  0.1    0.2    0.3
        accuracy  0.840  0.857  0.867  0.870  0.870  0.862  0.860  0.823  0.741
    """
    faces = [face for face in faces if face.found]
    if not faces:
        return
    margin = np.array([-MARGIN, -MARGIN, 2 * MARGIN])
    boxes = [np.rint(face.smoothed_box + face.smoothed_box[2] * margin).astype(int) for face in faces]
    crops = np.stack([crop(gray, tuple(box), network) for box in boxes])
    for face, new in zip(faces, network.name(crops)):
        old = face.probabilities
        face.probabilities = new if old is None else old + ema_weight(seconds - face.named, smoothing) * (new - old)
        face.named = seconds
