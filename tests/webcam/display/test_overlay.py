"""Labels, bars and colors on a frame."""

import itertools
import sys

import cv2
import numpy as np
import pytest
from support.scripts import ROOT

from webcam import Face
from webcam.display.letters import find_font, text_mask
from webcam.display.notes import draw_notes
from webcam.display.overlay import Overlay, draw_faces
from webcam.display.style import COLORS

EMOTIONS = ["a", "b", "c", "d", "happiness", "f", "g", "h"]


def face_at(box, number=1):
    """Return a face that is certainly happy."""
    square = np.array([*box[:3], 0.0])
    return Face(number, square, EMOTIONS, np.eye(8, dtype=np.float32)[4], EMOTIONS[4])


def arrange(frame, faces, bars=False):
    return Overlay(EMOTIONS, bars).arrange(frame, faces)


def crowd():
    """Return 24 faces, close to one another."""
    places = [(60 + 200 * column, 50 + 170 * row) for row in range(4) for column in range(6)]
    return [face_at((x, y, 110, 110), n) for n, (x, y) in enumerate(places, 1)]


def inside(face):
    """Return the part of a face inside the lines of its box."""
    x, y, side, _ = face.box
    return slice(y + 8, y + side - 8), slice(x + 8, x + side - 8)


@pytest.mark.parametrize("bars", [False, True])
@pytest.mark.parametrize(
    "box", [(0, 0, 30, 30), (280, 200, 60, 60), (100, 0, 240, 240), (-10, -10, 50, 50)]
)
def test_labels_stay_inside_the_frame(box, bars):
    """A label that leaves the frame is no label. All of its colored strip must be visible."""
    frame = np.zeros((240, 320, 3), np.uint8)
    draw_faces(frame, [face_at(box)], EMOTIONS, bars)
    strip = (frame == COLORS[4]).all(axis=2)
    assert strip.sum(axis=1).max() >= 30 and (strip.sum(axis=1) >= 20).sum() >= 8


def test_letters_and_lines_grow_with_the_frame():
    """On a frame four times as large, the label's strip covers the same share."""
    shares = []
    for times in (1, 4):
        frame = np.zeros((480 * times, 640 * times, 3), np.uint8)
        draw_faces(frame, [face_at((200 * times, 200 * times, 100 * times, 100 * times))], EMOTIONS)
        shares.append((frame == COLORS[4]).all(axis=2).mean())
    assert shares[0] == pytest.approx(shares[1], rel=0.35)


def test_colors_are_told_apart_without_red_or_green():
    """The colors are compared as seen without red cones.

    The method is Machado et al. 2009's matrix on linear light, with distances in CIE Lab.
    """
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
    labels = arrange(np.zeros((720, 1280, 3), np.uint8), faces).labels
    assert len(labels) == len(faces)
    for label in labels.values():
        left, top, width, height = label.place
        covered[top : top + height, left : left + width] += 1
    assert covered.max() == 1


def test_where_there_is_no_room_labels_are_shorter():
    """Two close-ups side by side leave no room in the frame."""
    frame = np.zeros((240, 480, 3), np.uint8)
    faces = [face_at((0, 0, 240, 240)), face_at((240, 0, 240, 240), 2)]
    for number, label in arrange(frame, faces).labels.items():
        left, top, width, height = label.place
        assert (label.number, label.text) == (str(number + 1), "happiness 100%")
        assert top + height < 60, "on the forehead"
        assert 240 * number <= left and left + width <= 240 * (number + 1)
    narrow = [face_at((60 * n, 20, 60, 60), n) for n in range(8)]
    texts = {label.text for label in arrange(frame, narrow).labels.values()}
    assert "happiness" in texts or "hap" in texts


def test_letters_are_large_enough_from_96_lines_to_4k():
    for lines in (96, 480, 2160):
        frame = np.zeros((lines, lines * 4 // 3, 3), np.uint8)
        side = lines // 3
        label = arrange(frame, [face_at((side, side, side, side))]).labels[0]
        assert label.line >= max(12, lines / 45), lines
        assert "happiness" in label.text and label.place[2] <= frame.shape[1]


def test_a_label_keeps_its_side():
    """A label without room above its box goes below it, and stays there when there is room above."""
    overlay, frame = Overlay(EMOTIONS), np.zeros((480, 640, 3), np.uint8)
    below = []
    for top in (2, 30, 80, 120):
        label = overlay.arrange(frame, [face_at((200, top, 100, 100))]).labels[0]
        below.append(label.place[1] > top + 100)
    assert below == [True] * 4
    assert arrange(frame, [face_at((200, 120, 100, 100))]).labels[0].place[1] < 120


def test_an_unsure_label_has_a_question_mark():
    frame = np.zeros((480, 640, 3), np.uint8)
    texts = []
    for sure in (0.39, 0.41):
        probabilities = np.full(8, (1 - sure) / 7, np.float32)
        probabilities[4] = sure
        face = Face(1, np.array([200, 200, 100, 0.0]), EMOTIONS, probabilities, EMOTIONS[4])
        texts.append(arrange(frame, [face]).labels[0].text)
    assert texts == ["happiness? 39%", "happiness 41%"]


def test_notes_lie_in_a_corner_without_a_face_and_stay_there():
    frame = np.full((480, 640, 3), 200, np.uint8)
    faces = [face_at((10, 10, 200, 200)), face_at((400, 10, 200, 200), 2)]
    corner = draw_notes(frame, ["paused", "h: this help"], arrange(frame, faces, True).layout)
    changed = (frame != 200).any(axis=2)
    assert changed[240:].any() and not changed[:240].any()
    assert draw_notes(frame, ["paused"], arrange(frame, []).layout, corner) == corner


def test_the_panel_stays_in_its_corner_until_it_would_cover_the_face():
    """A face moves a little, then into the corner of the panel, then back."""
    overlay, frame = Overlay(EMOTIONS, bars=True), np.zeros((480, 640, 3), np.uint8)

    def corners(columns):
        panels = []
        for x in columns:
            arranged = overlay.arrange(frame, [face_at((x, 20, 120, 120))])
            panels.append(arranged.panel)
            assert not arranged.layout.covers((x, 20, 120, 120), (x, 20, 120, 120)) or panels[-1]
        return panels

    right = corners(range(0, 300, 10))
    assert len(set(right)) == 1 and right[0][0] > 320
    left = corners([440, 430, 420])
    assert len(set(left)) == 1 and left[0] != right[0]
    assert set(corners(range(410, 250, -10))) == set(left)


@pytest.mark.parametrize("size", [(480, 480), (180, 240), (1080, 1920)])
def test_the_panel_is_there_in_a_close_up_too_and_small_enough(size):
    frame = np.zeros((*size, 3), np.uint8)
    left, top, width, height = arrange(frame, [face_at((0, 0, size[0], size[0]))], True).panel
    assert left >= 0 and top >= 0 and left + width <= size[1] and top + height <= size[0]
    assert height <= 0.6 * size[0]


def test_the_panel_is_that_of_the_largest_face_and_does_not_change_for_a_little():
    overlay, frame = Overlay(EMOTIONS, bars=True), np.zeros((480, 640, 3), np.uint8)
    shown = []
    for side in (100, 125, 160, 140, 120, 90):
        faces = [face_at((50, 200, 130, 130), 1), face_at((400, 200, side, side), 2)]
        overlay.arrange(frame, faces)
        shown.append(overlay.panel.face.track_id)
    assert shown == [1, 1, 1, 1, 1, 1]
    overlay.arrange(frame, [faces[0], face_at((400, 200, 170, 170), 2)])
    assert overlay.panel.face.track_id == 2


def test_a_bar_is_as_long_as_its_probability():
    lengths = []
    for sure in (0.5, 1.0):
        frame = np.zeros((480, 640, 3), np.uint8)
        probabilities = np.full(8, (1 - sure) / 7, np.float32)
        probabilities[4] = sure
        face = Face(1, np.array([100, 200, 100, 0.0]), EMOTIONS, probabilities, EMOTIONS[4])
        draw_faces(frame, [face], EMOTIONS, bars=True)
        bar = (frame[:, 320:] == COLORS[4]).all(axis=2).any(axis=0)
        lengths.append(int(bar.sum()))
    assert lengths[0] == pytest.approx(lengths[1] / 2, abs=3) and lengths[1] > 50


def test_a_lost_face_fades_and_is_gone_after_a_sixth_of_a_second():
    overlay, seen = Overlay(EMOTIONS), []
    for seconds, found in [(0, True), (0.04, False), (0.08, False), (0.16, False), (0.2, True)]:
        frame = np.zeros((480, 640, 3), np.uint8)
        face = Face(
            1,
            np.array([200, 200, 100, 0.0]),
            EMOTIONS,
            np.eye(8, dtype=np.float32)[4],
            "happiness",
            found,
        )
        overlay.draw(frame, [face], seconds)
        seen.append(int(frame.sum()))
    assert seen[0] > seen[1] > seen[2] > seen[3] == 0 and seen[4] == seen[0]


def test_the_strip_shows_the_labels_of_the_last_ten_seconds():
    overlay = Overlay(EMOTIONS, strip=True)
    for step in range(80):  # 8 seconds: h, then happiness
        label = "h" if step < 40 else "happiness"
        index = EMOTIONS.index(label)
        face = Face(
            1, np.array([300, 100, 100, 0.0]), EMOTIONS, np.eye(8, dtype=np.float32)[index], label
        )
        frame = np.zeros((480, 640, 3), np.uint8)
        overlay.draw(frame, [face], step / 10)
    row = frame[-4]
    columns = {}
    for number in (7, 4):
        color = np.array(COLORS[number]) * 0.8
        columns[number] = np.flatnonzero(np.abs(row - color).max(axis=1) < 3)
    assert columns[7].min() == pytest.approx(640 * 0.21, abs=8)
    assert columns[4].max() == 639 and columns[4].min() == columns[7].max() + 1
    assert len(columns[4]) == pytest.approx(640 * 0.4, abs=8)
    assert not row[: columns[7].min() - 1].any(), "before the first frame there is nothing"
    plain = np.zeros((480, 640, 3), np.uint8)
    Overlay(EMOTIONS, strip=True).draw(plain, [face])
    assert not plain[-4].any(), "a picture has no past"


def test_letters_that_opencv_lacks_are_drawn_by_pillow_or_as_the_nearest():
    """OpenCV itself draws two question marks for each of these letters."""
    for text, plain in (("fröhlich", "frohlich"), ("радость", "?")):
        mask = text_mask(text, 40)
        if find_font(text, 100):
            assert mask.shape[1] > 80 and (mask.shape != text_mask(plain, 40).shape)
        else:
            assert (mask == text_mask("frohlich" if text[0] == "f" else "???????", 40)).all()


def test_without_pillow_the_nearest_letters_are_drawn(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    caches = (find_font, text_mask)
    try:
        for cached in caches:
            cached.cache_clear()
        frames = []
        for emotion in ("fröhlich", "frohlich"):
            frames.append(np.zeros((240, 320, 3), np.uint8))
            square = np.array([100, 80, 90, 0.0])
            face = Face(1, square, [emotion], np.ones(1, np.float32), emotion)
            draw_faces(frames[-1], [face], [emotion], bars=True)
        assert (frames[0] == frames[1]).all() and frames[0].any()
    finally:
        for cached in caches:
            cached.cache_clear()
