"""Labels, bars and colors on a frame."""

import itertools

import cv2
import numpy as np
import pytest
from support.scripts import ROOT

from webcam import Face
from webcam.display.overlay import COLORS, arrange, draw_faces, draw_notes

EMOTIONS = ["a", "b", "c", "d", "happiness", "f", "g", "h"]


def face_at(box, number=1):
    """A face that is sure to be happy."""
    square = np.array([*box[:3], 0.0])
    return Face(number, square, EMOTIONS, np.eye(8, dtype=np.float32)[4], EMOTIONS[4])


def crowd():
    """24 faces, close to one another."""
    places = [(60 + 200 * column, 50 + 170 * row) for row in range(4) for column in range(6)]
    return [face_at((x, y, 110, 110), n) for n, (x, y) in enumerate(places, 1)]


def inside(face):
    """What a box's own lines leave of a face."""
    x, y, side, _ = face.box
    return slice(y + 8, y + side - 8), slice(x + 8, x + side - 8)


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


@pytest.mark.parametrize("bars", [False, True])
def test_labels_and_bars_hide_no_face_of_a_crowd(bars):
    frame = np.random.default_rng(0).integers(0, 256, (720, 1280, 3)).astype(np.uint8)
    before = frame.copy()
    draw_faces(frame, crowd(), EMOTIONS, bars)
    for face in crowd():
        assert (frame[inside(face)] == before[inside(face)]).all(), face.track_id


@pytest.mark.parametrize("side", [20, 40, 80, 110])
def test_labels_of_a_crowd_cover_no_label(side):
    faces = [face_at((*face.box[:2], side, side), face.track_id) for face in crowd()]
    covered = np.zeros((720, 1280), int)
    labels = arrange(np.zeros((720, 1280, 3), np.uint8), faces, EMOTIONS, False).labels
    assert len(labels) == len(faces)
    for _, (left, top, width, height) in labels.values():
        covered[top : top + height, left : left + width] += 1
    assert covered.max() == 1


def test_where_there_is_no_room_labels_are_shorter():
    """Two close-ups side by side, which leave nothing of the frame."""
    frame = np.zeros((240, 480, 3), np.uint8)
    faces = [face_at((0, 0, 240, 240)), face_at((240, 0, 240, 240), 2)]
    for number, (text, (left, top, width, height)) in arrange(
        frame, faces, EMOTIONS, False
    ).labels.items():
        assert text == f"#{number + 1} happiness 100%" and top + height < 60, "on the forehead"
        assert 240 * number <= left and left + width <= 240 * (number + 1)
    narrow = [face_at((60 * n, 20, 60, 60), n) for n in range(8)]
    texts = {text for text, _ in arrange(frame, narrow, EMOTIONS, False).labels.values()}
    assert "happiness" in texts or "hap" in texts


def test_letters_are_large_enough_from_96_lines_to_4k():
    for lines in (96, 480, 2160):
        frame = np.zeros((lines, lines * 4 // 3, 3), np.uint8)
        side = lines // 3
        labels = arrange(frame, [face_at((side, side, side, side))], EMOTIONS, False).labels
        text, (_, _, width, height) = labels[0]
        assert height >= max(12, lines / 50), lines
        assert "happiness" in text and width <= frame.shape[1]


def test_notes_lie_in_a_corner_without_a_face_and_darken_none():
    frame = np.full((480, 640, 3), 200, np.uint8)
    faces = [face_at((10, 10, 200, 200)), face_at((400, 10, 200, 200), 2)]
    draw_notes(frame, ["paused", "h: this help"], arrange(frame, faces, EMOTIONS, True).layout)
    changed = (frame != 200).any(axis=2)
    assert changed[240:].any() and not changed[:240].any()


def test_bars_of_neighbours_do_not_lie_on_one_another():
    frame = np.zeros((720, 1280, 3), np.uint8)
    faces = [face_at((200 + 260 * n, 250, 120, 120), n) for n in range(4)]
    panels = arrange(frame, faces, EMOTIONS, True).panels
    assert len(panels) == 4
    covered = np.zeros((720, 1280), int)
    for left, top, width, height in [*panels.values(), *(face.box for face in faces)]:
        covered[top : top + height, left : left + width] += 1
    assert covered.max() == 1


def test_letters_that_opencv_has_not_are_written_as_those_they_are_made_of():
    """OpenCV itself writes two question marks for each."""
    frames = []
    for emotion in ("fröhlich", "frohlich"):
        frames.append(np.zeros((240, 320, 3), np.uint8))
        square = np.array([100, 80, 90, 0.0])
        face = Face(1, square, [emotion], np.ones(1, np.float32), emotion)
        draw_faces(frames[-1], [face], [emotion], bars=True)
    assert (frames[0] == frames[1]).all() and frames[0].any()
