"""Hints that help a user: the camera is black, frozen, or on its side."""

import cv2
import numpy as np
import pytest
from support.files import frames_of, make_video, rows_of
from support.scripts import PICTURE, run, start

from webcam.detection.haar import HaarDetector
from webcam.hints import Hints
from webcam.sources.frame import TURNS, Frame


def turned_video(path, code, frames):
    """Write a video of the sample face, turned by one of OpenCV's codes."""
    picture = cv2.resize(cv2.imread(str(PICTURE))[:450], (480, 360))
    picture = picture if code is None else cv2.rotate(picture, code)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, picture.shape[1::-1])
    for _ in range(frames):
        writer.write(picture)
    writer.release()


@pytest.mark.parametrize("degrees, frames", [(90, 10), (180, 60)])
def test_a_video_on_its_side_or_head_gets_a_hint_and_is_read_with_the_option(
    tmp_path, degrees, frames
):
    back = {360 - other: code for other, code in TURNS.items()}
    turned_video(tmp_path / "in.avi", back[degrees], frames)
    given = ["--source", "in.avi", "--headless"]
    hint = f"no face found, but there is one with --rotate {degrees}\n"
    assert run("realtime.py", *given, cwd=tmp_path).stdout.startswith(hint)
    files = ["--output", "out.avi", "--csv", "out.csv"]
    said = run("realtime.py", *given, "--rotate", degrees, *files, cwd=tmp_path).stdout
    assert f"{frames} frames, {frames} faces" in said and "no face" not in said
    assert {(row["label"], row["found"]) for row in rows_of(tmp_path / "out.csv")} == {
        ("happiness", "1")
    }
    (first, *_) = frames_of(tmp_path / "out.avi")
    assert first.shape == (360, 480, 3)


def test_a_picture_on_its_side_gets_a_hint(tmp_path):
    cv2.imwrite(str(tmp_path / "in.png"), cv2.rotate(cv2.imread(str(PICTURE)), TURNS[90]))
    said = run("realtime.py", "--source", "in.png", "--headless", cwd=tmp_path).stdout
    assert said.startswith("in.png: no face found, but there is one with --rotate 270\n")


def test_no_hint_where_a_face_was_seen_or_none_is_there(tmp_path):
    make_video(tmp_path / "in.avi", 60)
    said = run("realtime.py", "--source", "in.avi", "--headless", cwd=tmp_path).stdout
    wall = np.random.default_rng(0).integers(80, 120, (360, 480, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "wall.png"), wall)
    said += run("realtime.py", "--source", "wall.png", "--headless", cwd=tmp_path).stdout
    assert "--rotate" not in said


def hints_of(capsys, pictures, clock="12:00"):
    """Return the printed hints for pictures at ten frames a second."""
    hints = Hints(HaarDetector())
    for number, picture in enumerate(pictures):
        hints.write(Frame(picture, number / 10, clock), ["a face"])  # no search starts
    return capsys.readouterr().out


def noise(number):
    return np.random.default_rng(number).integers(50, 200, (120, 160, 3), np.uint8)


def test_a_black_camera_is_told_once_after_three_seconds(capsys):
    black = [np.full((120, 160, 3), number % 3, np.uint8) for number in range(100)]
    said = hints_of(capsys, black)
    assert said.count("black") == 1 and said.startswith(
        "the camera's picture has been black for 3 s"
    )
    covered = np.random.default_rng(0).normal(5, 4, (100, 120, 160, 3)).clip(0, 255)
    assert "black" in hints_of(capsys, covered.astype(np.uint8)), "a covered lens has noise"
    assert not hints_of(capsys, black[:29])
    assert not hints_of(capsys, [*black[:25], noise(0), *black[:25]])
    assert not hints_of(capsys, black, clock=""), "a video may begin with a black picture"


def test_a_camera_that_stands_still_is_told(capsys):
    assert "has been frozen for 5 seconds" in hints_of(capsys, [noise(0)] * 55)
    assert not hints_of(capsys, [noise(0)] * 45)
    assert not hints_of(capsys, map(noise, range(60))), "a camera's noise changes"


@pytest.mark.parametrize("given, mirror", [(180, False), (90, True)])
def test_the_hint_counts_from_the_picture_as_the_camera_gives_it(tmp_path, given, mirror):
    """The picture needs --rotate 270, but the user turns and mirrors it differently."""
    turned_video(tmp_path / "in.avi", TURNS[90], 10)
    options = ["--rotate", given, *(["--mirror"] if mirror else []), "--headless"]
    said = run("realtime.py", "--source", "in.avi", *options, cwd=tmp_path).stdout
    assert said.startswith("no face found, but there is one with --rotate 270\n")


def test_a_turn_too_many_is_told(tmp_path):
    make_video(tmp_path / "in.avi")
    given = ["--source", "in.avi", "--rotate", 180, "--headless"]
    said = run("realtime.py", *given, cwd=tmp_path).stdout
    assert said.startswith("no face found, but there is one without --rotate\n")


@pytest.mark.parametrize("stream", [{"pause": 0.05}], indirect=True)
def test_a_stream_without_a_face_is_told_while_it_runs(tmp_path, stream):
    arguments = ["--source", stream, "--rotate", 180, "--headless", "--csv", "out.csv"]
    process = start(*arguments, cwd=tmp_path)
    assert process.stdout
    assert "--rotate" in process.stdout.readline()
    process.kill()
    process.communicate()
