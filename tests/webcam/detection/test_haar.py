"""Haar cascades in pictures."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from support.scripts import ROOT

from webcam import FaceAnalyzer
from webcam.detection.geometry import iou

FACE = np.array([160.0, 55, 130])  # x, y, side of the astronaut's face, in pixels


@pytest.fixture(scope="module")
def gray(photo):
    return cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)


@pytest.mark.parametrize("side", [48, 64, 96])
def test_a_picture_of_a_face_alone(gray, detector, side):
    """The pictures have the size of FER-2013's, or of avatars."""
    x, y, width = FACE.astype(int)
    face = cv2.resize(
        gray[y : y + width, x : x + width], (side, side), interpolation=cv2.INTER_AREA
    )
    (box,) = detector.detect(face)
    assert iou(box, np.array([0, 0, side])) > 0.5


@pytest.mark.parametrize("lines", [60, 200, 480, 1080, 2160])
def test_a_close_up_of_any_size(gray, detector, lines):
    x, y, side = FACE.astype(int)
    part = gray[y - 30 : y + side + 30, x - 30 : x + side + 30]
    scale = lines / len(part)
    (box,) = detector.detect(cv2.resize(part, (lines, lines)))
    assert iou(box, np.array([30, 30, side]) * scale) > 0.5


def test_small_faces_of_a_large_picture(photo, detector):
    """It finds faces of a fiftieth of the picture's height, and nothing else."""
    scene = np.full((2160, 3840), 90, np.uint8)
    head = cv2.cvtColor(photo[18:218, 124:324], cv2.COLOR_BGR2GRAY)
    head = cv2.resize(head, (80, 80), interpolation=cv2.INTER_AREA)
    places = [(300 + 900 * column, 200 + 600 * row) for row in range(3) for column in range(4)]
    for x, y in places:
        scene[y : y + 80, x : x + 80] = head
    boxes = detector.detect(scene)
    assert len(boxes) == len(places)
    for x, y in places:
        assert any(iou(box, np.array([x + 16, y + 16, 50])) > 0.3 for box in boxes)


def test_walls_and_noise_are_no_faces(detector):
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (360, 480)).astype(np.uint8)
    for picture in (noise, cv2.GaussianBlur(noise, (0, 0), 5), np.full((360, 480), 128, np.uint8)):
        assert detector.detect(picture) == []


@pytest.mark.parametrize("shape", [(1, 4000), (3000, 2), (60, 4000), (5, 5)])
def test_pictures_of_odd_shapes(detector, shape):
    assert detector.detect(np.full(shape, 90, np.uint8)) == []


def test_an_opencv_without_cascades_names_the_way_out(tmp_path):
    """OpenCV 5 is like that: its wheel has no cascades."""
    program = (
        "import cv2, runpy, sys; del cv2.CascadeClassifier; sys.path.insert(0, sys.argv[1]);"
        "script = sys.argv[1] + '/realtime.py'; sys.argv = [script, '--source', 'demo', '--headless'];"
        "runpy.run_path(script, run_name='__main__')"
    )
    command = [sys.executable, "-c", program, str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "has no Haar cascades" in done.stderr and "--detector" in done.stderr


def test_a_thin_frame_and_a_flat_one_do_not_spoil_those_that_follow(photo):
    """OpenCV sizes a cascade's buffers by the widest and the tallest image so far."""
    analyzer = FaceAnalyzer.load(ROOT / "pretrained", detector="haar")
    for number, shape in enumerate([(1, 5000, 3), (5000, 1, 3), (60, 9000, 3), (9000, 60, 3)]):
        assert analyzer.analyze(np.full(shape, 90, np.uint8), 1.0 * number) == []
    (face,) = analyzer.analyze(photo, 10.0)
    assert face.emotion == "happiness"
