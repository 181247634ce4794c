"""The second detector, YuNet. Its model is not part of the project: YUNET_MODEL names the file."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.scripts import PICTURE, ROOT, fails, run

from webcam import FaceAnalyzer
from webcam.analysis.classifier import crop_face
from webcam.detection.geometry import iou
from webcam.detection.yunet import YuNetDetector, to_box

MODEL = os.environ.get("YUNET_MODEL", "face_detection_yunet_2023mar.onnx")
needs_model = pytest.mark.skipif(not Path(MODEL).is_file(), reason="YUNET_MODEL names no file")


@pytest.mark.parametrize("degrees", [-30, 0, 30])
def test_eyes_are_level_in_the_crop_and_the_face_as_large_as_in_fer2013(degrees):
    """The eyes are at three eighths of the height, the mouth a little below three quarters."""
    upright = np.array([[-20, -24], [20, -24], [0, 0], [-14, 24], [14, 24]], float)
    turn = np.radians(degrees)
    turned = upright @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = turned + np.array([200, 180])
    box = to_box(np.array([150, 120, 90, 110, *points.ravel()], float))
    assert box[3] == pytest.approx(degrees)
    image = np.zeros((400, 400), np.uint8)
    for number in (0, 1, 3, 4):
        cv2.circle(image, np.round(points[number]).astype(int).tolist(), 3, 255, cv2.FILLED)
    crop = crop_face(image, box, (96, 96))
    _, _, _, centers = cv2.connectedComponentsWithStats((crop > 100).astype(np.uint8))
    dots = centers[1:][np.argsort(centers[1:, 1])] / 96
    assert dots[:2, 1] == pytest.approx([0.38, 0.38], abs=0.02), "eyes"
    assert dots[2:, 1] == pytest.approx([0.78, 0.78], abs=0.02), "mouth"
    assert dots[:, 0].mean() == pytest.approx(0.5, abs=0.02)


def test_the_box_of_a_profile_is_that_of_the_model():
    eyes_and_mouth = [120, 110, 124, 110, 110, 125, 118, 140, 120, 140]
    x, y, side, tilt = to_box(np.array([100, 80, 80, 100, *eyes_and_mouth], float))
    assert (x + side / 2, y + side / 2, tilt) == pytest.approx((140, 130, 0))
    assert side == pytest.approx(1.12 * 8000**0.5)


@pytest.mark.parametrize("text, what", [(None, "no such file"), ("no model", "not a YuNet model")])
def test_what_is_no_model_is_one_line(tmp_path, text, what):
    path = tmp_path / "model.onnx"
    if text:
        path.write_text(text)
    options = ["--source", "demo", "--headless", "--detector", path]
    fails("realtime.py", *options, cwd=tmp_path, says=f"{path}: {what}")


@pytest.mark.parametrize("place", ["data", "model"])
def test_its_file_in_data_or_beside_the_network_is_taken_by_default(tmp_path, place):
    """The file is no model, so that the error names the file that was read."""
    shutil.copytree(ROOT / "pretrained", tmp_path / "model")
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "face_detection_yunet_2023mar.onnx").write_text("no model")
    arguments = ["--source", PICTURE, "--headless", "--model", "model"]
    says = f"{Path(place) / 'face_detection_yunet_2023mar.onnx'}: not a YuNet model"
    fails("realtime.py", *arguments, cwd=tmp_path, says=says)
    said = run("realtime.py", *arguments, "--detector", "haar", cwd=tmp_path).stdout
    assert said.startswith("using the network in model\n1 picture, 1 face") and "YuNet" not in said


@needs_model
def test_a_model_in_data_is_named_and_small_faces_are_found_too(photo, tmp_path):
    (tmp_path / "data").mkdir()
    shutil.copy(MODEL, tmp_path / "data/face_detection_yunet_2023mar.onnx")
    said = run("realtime.py", "--source", PICTURE, "--headless", cwd=tmp_path).stdout
    assert said.startswith(
        "detecting faces with YuNet (data/face_detection_yunet_2023mar.onnx)\n1 pict"
    )
    scene = np.full((720, 1280, 3), 90, np.uint8)
    head = cv2.resize(photo[18:218, 124:324], (140, 140), interpolation=cv2.INTER_AREA)
    scene[300:440, 600:740] = head
    analyzer = FaceAnalyzer.load(ROOT / "pretrained", detector=MODEL)
    counts = [len(analyzer.analyze(np.roll(scene, n, axis=1), n / 30)) for n in range(20)]
    assert counts == [1] * 20


@needs_model
@pytest.mark.parametrize("degrees", [-25, 25])
def test_faces_of_a_picture_and_a_tilted_one(photo, degrees):
    """The model's eyes give the direction of a tilt, but the angle is too small."""
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
