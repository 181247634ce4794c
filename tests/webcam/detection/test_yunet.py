"""The second detector, YuNet. Its model is not part of the project: YUNET_MODEL names one."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.scripts import ROOT, fails

from webcam import FaceAnalyzer
from webcam.detection.geometry import iou
from webcam.detection.yunet import YuNetDetector, to_box

MODEL = os.environ.get("YUNET_MODEL", "face_detection_yunet_2023mar.onnx")
needs_model = pytest.mark.skipif(not Path(MODEL).is_file(), reason="YUNET_MODEL names no file")


def test_a_row_becomes_a_square_with_the_tilt_of_the_eyes():
    row = np.array([100, 80, 80, 100, 120, 110, 160, 130], float)
    x, y, side, tilt = to_box(row)
    assert (x + side / 2, y + side / 2) == pytest.approx((140, 130))
    assert side == pytest.approx(1.12 * 8000**0.5)
    assert tilt == pytest.approx(np.degrees(np.arctan(0.5)))


@pytest.mark.parametrize("text, what", [(None, "no such file"), ("no model", "not a YuNet model")])
def test_what_is_no_model_is_one_line(tmp_path, text, what):
    path = tmp_path / "model.onnx"
    if text:
        path.write_text(text)
    options = ["--source", "demo", "--headless", "--detector", path]
    fails("realtime.py", *options, cwd=tmp_path, says=f"{path}: {what}")


@needs_model
@pytest.mark.parametrize("degrees", [-25, 25])
def test_faces_of_a_picture_and_a_tilted_one(photo, degrees):
    """The model's eyes tell the direction; of the angle they tell too little."""
    gray, detector = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), YuNetDetector(MODEL)
    (box,) = detector.detect(gray)
    assert iou(box, np.array([160.0, 55, 130])) > 0.5
    affine = cv2.getRotationMatrix2D((224, 118), -degrees, 1)
    (tilted,) = detector.detect(cv2.warpAffine(gray, affine, (512, 512)))
    assert (tilted[3] - box[3]) * degrees > 0


@needs_model
def test_a_face_is_followed_and_named(photo):
    analyzer = FaceAnalyzer.load(ROOT / "pretrained", detector=MODEL)
    for number in range(5):
        (face,) = analyzer.analyze(photo, number / 30)
        assert (face.track_id, face.emotion) == (1, "happiness")
