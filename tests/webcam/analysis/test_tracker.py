"""Following faces on scenes made from the sample picture."""

import cv2
import numpy as np
import pytest
from support.scripts import slow

from webcam.analysis.tracker import Tracker
from webcam.detection.haar import COARSE_FACTOR, HaarDetector

FACE = (224, 118)  # x, y in pixels: the middle of the astronaut's face


def gray_scene(photo, *middles, size=(640, 480), side=160):
    """Return a gray frame with the astronaut's head, `side` pixels wide, at each of `middles`."""
    scene = np.full((size[1], size[0]), 90, np.uint8)
    head = cv2.cvtColor(photo[18:218, 124:324], cv2.COLOR_BGR2GRAY)
    head = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    for x, y in middles:
        scene[y - side // 2 : y - side // 2 + side, x - side // 2 : x - side // 2 + side] = head
    return scene


def watch(detector, gray, frames=6):
    """Return the faces of a frame that stands still for a fifth of a second."""
    tracker = Tracker(detector)
    for number in range(frames):
        faces = tracker.update(gray, number / 30)
    return faces


def middle(box):
    x, y, side = box[:3]
    return x + side / 2, y + side / 2


def test_a_face_that_moves_keeps_its_number(photo, detector):
    tracker = Tracker(detector)
    for number in range(40):
        where = (120 + 10 * number, 240 + round(60 * np.sin(number / 5)))
        (face,) = tracker.update(gray_scene(photo, where), number / 30)
        assert face.track_id == 1
        assert np.hypot(*np.subtract(middle(face.smoothed_box), where)) < 30, "the box follows"


def test_a_face_that_grows_keeps_its_number(photo, detector):
    tracker = Tracker(detector)
    sides = [round(120 * 1.03**number) for number in range(40)]
    faces = [
        tracker.update(gray_scene(photo, (320, 240), side=side), n / 30)[0]
        for n, side in enumerate(sides)
    ]
    assert {face.track_id for face in faces} == {1}
    assert faces[-1].smoothed_box[2] > 2 * 120 * 0.5


def test_a_face_hidden_for_a_moment_stays_and_then_goes(photo, detector):
    tracker = Tracker(detector)
    wall = np.full((480, 640), 90, np.uint8)
    shown = [gray_scene(photo, (300, 240))] * 5
    numbers = []
    for number, frame in enumerate([*shown, wall, wall, wall, *shown, *[wall] * 15, *shown]):
        numbers.append([face.track_id for face in tracker.update(frame, number / 30)])
    assert numbers[:13] == [[1]] * 13, "hidden for a tenth of a second"
    assert numbers[13 + 14] == [], "hidden for half a second: gone"
    assert numbers[-1] == [2], "back later: a new one"


def test_faces_keep_their_numbers_beside_each_other(photo, detector):
    """There are four faces. Each frame searches for two of them."""
    tracker = Tracker(detector)
    for number in range(30):
        places = [
            (160 + 3 * number, 120),
            (480, 120 + 3 * number),
            (160, 360),
            (480 - 3 * number, 360),
        ]
        faces = tracker.update(gray_scene(photo, *places, side=130), number / 30)
        if number == 0:
            first = {face.track_id: middle(face.smoothed_box) for face in faces}
    assert len(first) == 4 and {face.track_id for face in faces} == set(first)
    for face in faces:
        start_place = min(
            range(4),
            key=lambda n: np.hypot(
                *np.subtract(
                    first[face.track_id], [(160, 120), (480, 120), (160, 360), (480, 360)][n]
                )
            ),
        )
        assert np.hypot(*np.subtract(middle(face.smoothed_box), places[start_place])) < 30


def test_a_second_face_is_noticed_within_a_second(photo, detector):
    tracker = Tracker(detector)
    for number in range(40):
        middles = [(160, 240)] if number < 10 else [(160, 240), (480, 240)]
        faces = tracker.update(gray_scene(photo, *middles, side=130), number / 30)
        assert len(faces) >= 1
    assert len(faces) == 2


@pytest.mark.parametrize("light", [0.3, 0.1])
def test_a_face_is_found_in_the_dark(photo, detector, light):
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    dark = (gray * light).astype(np.uint8)
    (box,), (track,) = detector.detect(dark), Tracker(detector).update(dark, 0.0)
    for found in (box, track.smoothed_box):
        assert np.hypot(*np.subtract(middle(found), FACE)) < 40


def test_a_face_of_any_size_is_found_soon_and_usual_ones_at_once(photo, detector):
    for side in (130, 180, 260, 400, 700):
        scene = gray_scene(photo, (640, 360), size=(1280, 720), side=side)
        (face,) = watch(detector, scene, frames=1 if side > 200 else 5)
        assert 0.35 < face.smoothed_box[2] / side < 0.85, side


def turned(gray, degrees):
    """Return a frame turned clockwise about its middle."""
    size = gray.shape[::-1]
    affine = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), -degrees, 1)
    return cv2.warpAffine(gray, affine, size, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("degrees", [-40, -30, -20, -10, 10, 20, 30, 40])
def test_a_tilted_face_is_found_soon_and_its_tilt_is_known(photo, detector, degrees):
    frame = turned(gray_scene(photo, (320, 240)), degrees)
    (face,) = watch(detector, frame)
    assert np.hypot(*np.subtract(middle(face.smoothed_box), (320, 240))) < 40
    assert abs(face.smoothed_box[3] - degrees) <= 20


def test_a_head_that_tilts_keeps_its_number(photo, detector):
    tracker = Tracker(detector)
    for number in range(60):
        degrees = 40 * np.sin(number / 8)
        frame = turned(gray_scene(photo, (320, 240)), degrees)
        (face,) = tracker.update(frame, number / 30)
        assert face.track_id == 1
        assert abs(face.box[3] - degrees) <= 30


@pytest.mark.parametrize("edge, share", [("top", 0.2), ("left", 0.12), ("right", 0.2)])
def test_a_face_cut_by_the_frame_is_found(photo, detector, edge, share):
    """She looks to one side. There, an eighth of the box holds more of her face."""
    scene = gray_scene(photo, (320, 240), side=320)
    (whole,) = detector.detect(scene)
    x, y, side = np.rint(whole[:3]).astype(int)
    cut = round(share * side)
    parts = {
        "top": scene[y + cut :],
        "left": scene[:, x + cut :],
        "right": scene[:, : x + side - cut],
    }
    (face,) = Tracker(detector).update(parts[edge], 0.0)
    assert abs(face.box[2] - side) < 0.3 * side


@pytest.mark.parametrize("lines", [120, 144, 180])
def test_a_face_in_a_small_video_is_followed(photo, detector, lines):
    tracker, scale = Tracker(detector), lines / 480
    for number in range(10):
        frame = gray_scene(photo, (250 + 5 * number, 240), side=200)
        frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        (face,) = tracker.update(frame, number / 30)
        assert face.track_id == 1


def test_a_crowd_has_one_number_each(photo, detector):
    """There are 24 faces. No eye of a face becomes a person."""
    tracker, numbers = Tracker(detector), set()
    for number in range(20):
        places = [
            (110 + 210 * column + 3 * round(np.sin(number / 3)), 100 + 170 * row)
            for row in range(4)
            for column in range(6)
        ]
        faces = tracker.update(gray_scene(photo, *places, size=(1280, 720), side=140), number / 30)
        numbers |= {face.track_id for face in faces}
        assert len(faces) == 24 or number < 4, number
    assert numbers == set(range(1, 25))


def test_at_a_cut_who_is_gone_is_gone_at_once(photo, detector):
    tracker = Tracker(detector)
    before = gray_scene(photo, (480, 320))
    after = cv2.resize(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), (640, 480))
    for number in range(6):
        (face,) = tracker.update(before, number / 30)
        assert face.track_id == 1
    (face,) = tracker.update(after, 6 / 30)
    assert face.track_id == 2
    assert np.hypot(*np.subtract(middle(face.smoothed_box), (280, 110))) < 40


def other_person(scene, x, y, side=160):
    """Return a scene with a mirrored head at x, y, which a tracker takes for another person."""
    part = slice(y - side // 2, y + side // 2), slice(x - side // 2, x + side // 2)
    changed = scene.copy()
    changed[part] = scene[part][:, ::-1]
    return changed


@pytest.mark.parametrize("gap", [1 / 30, 0.2, 2.0])
@pytest.mark.parametrize("light", [1.0, 0.5])
def test_another_person_in_the_same_place_has_another_number(photo, detector, gap, light):
    """The person changes in the same room, at a cut or after a gap.

    The same person keeps the number.
    """
    scene = gray_scene(photo, (320, 240))
    for then, number in ((scene, 1), (other_person(scene, 320, 240), 2)):
        tracker = Tracker(detector)
        for frame in range(6):
            tracker.update(scene, frame / 30)
        for frame in range(6):
            lit = (then * light).astype(np.uint8)
            (face,) = tracker.update(lit, 5 / 30 + gap + frame / 30)
            assert face.track_id == number


def test_people_of_a_call_who_change_places_have_new_numbers(photo, detector):
    tracker = Tracker(detector)
    tiles = other_person(gray_scene(photo, (160, 240), (480, 240)), 480, 240)
    for frame in range(10):
        faces = tracker.update(tiles, frame / 30)
    assert {face.track_id for face in faces} == {1, 2}
    for frame in range(10, 16):
        faces = tracker.update(np.roll(tiles, 320, axis=1), frame / 30)
        assert not {face.track_id for face in faces} & {1, 2}
    assert len(faces) == 2


def test_who_comes_into_the_place_of_one_who_was_lost_has_another_number(photo, detector):
    scene = gray_scene(photo, (320, 240))
    empty = scene.copy()
    empty[160:320, 240:400] = 90
    for then, number in ((scene, 1), (other_person(scene, 320, 240), 2)):
        tracker = Tracker(detector)
        for frame, shown in enumerate([scene] * 6 + [empty] * 5 + [then] * 6):
            faces = tracker.update(shown, frame / 30)
        assert [face.track_id for face in faces] == [number]


def test_at_two_frames_a_second_new_faces_are_noticed_too(photo, detector):
    tracker = Tracker(detector)
    counts = []
    for number in range(8):
        middles = [(160, 240)] if number < 3 else [(160, 240), (480, 240)]
        faces = tracker.update(gray_scene(photo, *middles, side=130), number / 2)
        counts.append(len(faces))
    assert counts[:3] == [1, 1, 1] and counts[-1] == 2


class CountingPasses(HaarDetector):
    """Counts the passes of each frame's search."""

    def __init__(self):
        super().__init__()
        self.frames = []

    def view(self, gray, turns):
        self.frames.append(0)
        return super().view(gray, turns)

    def run(self, *arguments):
        self.frames[-1] += arguments[-1] == COARSE_FACTOR
        return super().run(*arguments)


@pytest.mark.parametrize("start", [0.0, slow(-1e3), slow(1e9)])
def test_who_comes_back_after_a_minute_is_followed_at_the_usual_cost(photo, start):
    """Times may start anywhere."""
    counting = CountingPasses()
    tracker, seconds = Tracker(counting), start
    scene, wall = gray_scene(photo, (320, 240)), np.full((480, 640), 90, np.uint8)
    for frames, frame, apart in ((5, scene, 1 / 30), (120, wall, 0.5), (5, scene, 1 / 30)):
        for _ in range(frames):
            seconds += apart
            faces = tracker.update(frame, seconds)
    assert [face.track_id for face in faces] == [2]
    assert len(counting.frames) == 130
    whole = sum(len(kind) for kind in counting.plan_passes(scene.shape))
    assert max(counting.frames[1:125]) <= whole and max(counting.frames[126:]) <= 2
    assert max(counting.frames[126:]) > 0


def test_the_search_has_a_budget_of_the_videos_own_time(photo):
    """The passes per second are limited, so no frame takes long, and all machines find the same."""
    wall = np.full((720, 1280), 90, np.uint8)
    face = gray_scene(photo, (640, 360), size=(1280, 720), side=300)
    for frame, steady in ((wall, 60), (face, 10)):
        for rate in (15, 30):
            counting = CountingPasses()
            tracker = Tracker(counting)
            for number in range(3 * rate):
                tracker.update(frame, number / rate)
            whole = sum(len(kind) for kind in counting.plan_passes(frame.shape))
            assert sum(counting.frames[:rate]) >= (whole if frame is wall else 7)
            assert max(counting.frames) <= max(120 / rate, 3)
            assert sum(counting.frames[rate : 3 * rate]) == pytest.approx(2 * steady, abs=2)
