"""Crops, and the network in cv2.dnn."""

import cv2
import numpy as np
import pytest
from support.scripts import ROOT

from webcam.analysis.classifier import Classifier
from webcam.detection.geometry import crop


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load(ROOT / "pretrained")


def test_crop_beyond_the_frame_repeats_the_edge():
    # Left dark, right bright
    gray = np.repeat(np.linspace(0, 255, 100).astype(np.uint8)[None], 100, axis=0)
    inside = crop(gray, (26, 26, 48, 0), (48, 48))
    assert (inside == gray[26:74, 26:74]).all()
    left = crop(gray, (-24, 0, 48, 0), (48, 48))
    assert (left[:, :24] == 0).all() and (left[:, 24:] == gray[:48, :24]).all()
    right = crop(gray, (76, 76, 48, 0), (48, 48))
    assert (right[:, 24:] == 255).all() and (right[:24, :24] == gray[76:, 76:]).all()


def test_all_faces_of_a_frame_in_one_batch_are_named_as_one_by_one(classifier, photo):
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    boxes = np.array(
        [(150, 50, 140, 0), (170, 60, 120, 20), (300, 200, 100, 0), (-20, -20, 90, -40)], float
    )
    together = classifier.classify(gray, list(boxes))
    assert together.shape == (4, len(classifier.emotions))
    assert classifier.classify(gray, []).shape == (0, len(classifier.emotions))
    for box, row in zip(boxes, together):
        assert np.abs(classifier.classify(gray, [box]) - row).max() < 1e-5


@pytest.mark.parametrize("tilt", [-40, -20, 20, 40])
def test_a_tilted_box_is_cut_out_upright(photo, tilt):
    gray = cv2.GaussianBlur(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), (0, 0), 2)
    upright = crop(gray, np.array([160.0, 55, 130, 0]), (48, 48))
    affine = cv2.getRotationMatrix2D((224.5, 119.5), -tilt, 1)  # clockwise
    turned = cv2.warpAffine(gray, affine, (512, 512))
    again = crop(turned, np.array([160.0, 55, 130, tilt]), (48, 48))
    other = crop(turned, np.array([160.0, 55, 130, 0]), (48, 48))
    off = [np.abs(part.astype(int) - upright).mean() for part in (again, other)]
    assert off[0] < 3 and off[1] > 4 * off[0]


def test_a_box_beyond_the_frame_is_its_edge():
    gray = np.repeat(np.arange(100, dtype=np.uint8)[None], 80, axis=0)
    for x, value in ((-500, 0), (500, 99)):
        assert (crop(gray, np.array([x, -300, 40, 0]), (20, 20)) == value).all()
