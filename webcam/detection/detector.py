"""Choose and load a detector."""

from pathlib import Path

from common.files import PRETRAINED
from webcam.detection.haar import HaarDetector
from webcam.detection.view import Detector
from webcam.detection.yunet import YuNetDetector

PLACES = [Path("data"), PRETRAINED]  # folders to search for YUNET
YUNET = "face_detection_yunet_2023mar.onnx"  # the file name in OpenCV's model zoo


def choose_detector(name: str, *folders: Path) -> str:
    """Resolve "auto" to the YuNet file in PLACES or `folders`, or else to "haar".

    Return any other name unchanged.
    """
    if name != "auto":
        return name
    files = [folder / YUNET for folder in (*PLACES, *folders)]
    return next((str(path) for path in files if path.is_file()), "haar")


def load_detector(name: str) -> Detector:
    """Return the Haar detector for "haar", or else YuNet from the ONNX file `name`.

    Raises UserError if OpenCV has no cascades or can't read the file.
    """
    return HaarDetector() if name == "haar" else YuNetDetector(name)
