"""The choice of a detector."""

from pathlib import Path

from common.files import PRETRAINED
from webcam.detection.haar import HaarDetector
from webcam.detection.view import Detector
from webcam.detection.yunet import YuNetDetector

PLACES = [Path("data"), PRETRAINED]  # of its file
YUNET = "face_detection_yunet_2023mar.onnx"  # as OpenCV's model zoo names it


def choose_detector(name: str, *folders: Path) -> str:
    """Return for "auto" the YuNet file in PLACES or `folders`, or else "haar"; other names as they are."""
    if name != "auto":
        return name
    files = [folder / YUNET for folder in (*PLACES, *folders)]
    return next((str(path) for path in files if path.is_file()), "haar")


def load_detector(name: str) -> Detector:
    """Return the detector of Haar cascades for "haar", or YuNet from an ONNX file.

    Raises UserError where OpenCV has no cascade, or can't read the file.
    """
    return HaarDetector() if name == "haar" else YuNetDetector(name)
