"""The choice of a detector."""

from webcam.detection.haar import HaarDetector
from webcam.detection.view import Detector
from webcam.detection.yunet import YuNetDetector


def load_detector(name: str = "haar") -> Detector:
    """Return the detector of Haar cascades, or YuNet from an ONNX file.

    Raises UserError where OpenCV has no cascade, or can't read the file.
    """
    return HaarDetector() if name == "haar" else YuNetDetector(name)
