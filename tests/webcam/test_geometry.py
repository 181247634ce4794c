"""Intersection over union of squares."""

import numpy as np
import pytest

from webcam.geometry import iou


@pytest.mark.parametrize(
    "a, b, want",
    [
        ((0, 0, 10), (0, 0, 10), 1),
        ((0, 0, 10), (10, 0, 10), 0),
        ((0, 0, 10), (30, 40, 5), 0),
        ((0, 0, 10), (5, 0, 10), 50 / 150),
        ((0, 0, 10), (2, 2, 5), 25 / 100),
        ((-5, -5, 10), (0, 0, 10), 25 / 175),
    ],
)
def test_iou(a, b, want):
    assert iou(np.array(a, float), np.array(b, float)) == pytest.approx(want)
    assert iou(np.array(b, float), np.array(a, float)) == pytest.approx(want)
