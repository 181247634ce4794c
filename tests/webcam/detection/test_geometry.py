"""Squares, and which of them belong to one face."""

import numpy as np
import pytest

from webcam.detection.geometry import choose_faces, iou, is_nested, match


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


def test_of_nested_boxes_the_larger_is_the_face():
    face, eye, beside = np.array([[0, 0, 100, 0], [20, 30, 25, 0], [150, 0, 90, 0]], float)
    assert is_nested(eye, face) and not is_nested(face, eye) and not is_nested(beside, face)
    half_out = np.array([85.0, 30, 30, 0])
    assert not is_nested(half_out, face)
    chosen = choose_faces([eye, beside, face], lambda box: box)
    assert [box.tolist() for box in chosen] == [face.tolist(), beside.tolist()]
    assert choose_faces([eye, face], lambda box: None) == []


def test_neighbours_are_not_taken_for_one_another():
    """The pairs with the largest overlap are matched first, and each found square is used once."""
    left, right = np.array([0.0, 0, 100, 0]), np.array([40.0, 0, 100, 0])
    moved = [right + np.array([5, 0, 0, 0]), left + np.array([25, 0, 0, 0])]
    first, second = match(moved, [left, right])
    assert (first == moved[1]).all() and (second == moved[0]).all()
    assert match(moved[:1], [left, right])[0] is None
    assert match([], [left]) == [None] and match(moved, []) == []
