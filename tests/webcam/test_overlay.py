"""Labels, bars and colors on a frame."""

import itertools

import cv2
import numpy as np
import pytest
from conftest import ROOT

from webcam import Face
from webcam.overlay import COLORS, draw_faces

EMOTIONS = ["a", "b", "c", "d", "happiness", "f", "g", "h"]


def face_at(box):
    """A face that is sure to be happy."""
    return Face(1, box, EMOTIONS[4], 1.0, np.eye(8, dtype=np.float32)[4])


@pytest.mark.parametrize("bars", [False, True])
@pytest.mark.parametrize(
    "box", [(0, 0, 30, 30), (280, 200, 60, 60), (100, 0, 240, 240), (-10, -10, 50, 50)]
)
def test_labels_stay_inside_the_frame(box, bars):
    """A label beyond the border is no label: the whole strip of its colour must be there."""
    frame = np.zeros((240, 320, 3), np.uint8)
    draw_faces(frame, [face_at(box)], EMOTIONS, bars)
    strip = (frame == COLORS[4]).all(axis=2)
    assert strip.sum(axis=1).max() >= 40 and (strip.sum(axis=1) >= 40).sum() >= 8


def test_letters_and_lines_grow_with_the_frame():
    """On a frame four times as large, the label's strip covers the same share of it."""
    shares = []
    for times in (1, 4):
        frame = np.zeros((480 * times, 640 * times, 3), np.uint8)
        draw_faces(frame, [face_at((200 * times, 200 * times, 100 * times, 100 * times))], EMOTIONS)
        shares.append((frame == COLORS[4]).all(axis=2).mean())
    assert shares[0] == pytest.approx(shares[1], rel=0.35)


def test_colors_are_told_apart_without_red_or_green():
    """As seen without red cones: Machado et al. 2009's matrix on linear light, distance in CIE Lab."""
    colors = np.array(COLORS, np.float32)[:, ::-1] / 255
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    blind = np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    )
    seen = np.clip(linear @ blind.T, 0, 1)
    seen = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055).astype(
        np.float32
    )
    lab = cv2.cvtColor(seen[None], cv2.COLOR_RGB2Lab)[0]
    assert len(COLORS) >= len((ROOT / "pretrained/labels.txt").read_text().split())
    for one, other in itertools.combinations(lab, 2):
        assert np.linalg.norm(one - other) > 10
