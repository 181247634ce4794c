"""Crops, and the network in cv2.dnn."""

import cv2
import numpy as np
import pytest
from conftest import ROOT

from webcam.classifier import Classifier, crop


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load(ROOT / "pretrained")


def test_crop_beyond_the_frame_repeats_the_edge():
    # Dark left, bright right
    gray = np.repeat(np.linspace(0, 255, 100).astype(np.uint8)[None], 100, axis=0)
    inside = crop(gray, (26, 26, 48), (48, 48))
    assert (inside == gray[26:74, 26:74]).all()
    left = crop(gray, (-24, 0, 48), (48, 48))
    assert (left[:, :24] == 0).all() and (left[:, 24:] == gray[:48, :24]).all()
    right = crop(gray, (76, 76, 48), (48, 48))
    assert (right[:, 24:] == 255).all() and (right[:24, :24] == gray[76:, 76:]).all()


def test_all_faces_of_a_frame_in_one_batch_are_named_as_one_by_one(classifier, photo):
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    boxes = np.array([(150, 50, 140), (170, 60, 120), (300, 200, 100), (-20, -20, 90)], float)
    together = classifier.classify(gray, list(boxes))
    assert together.shape == (4, len(classifier.emotions))
    assert classifier.classify(gray, []).shape == (0, len(classifier.emotions))
    for box, row in zip(boxes, together):
        assert np.abs(classifier.classify(gray, [box]) - row).max() < 1e-5
