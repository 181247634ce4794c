"""The length of a recording is that of its source, without pauses.

A killed recording can be played.
"""

import signal
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from support.files import frames_of, make_video
from support.scripts import fails, run, slow, start, wait_for_rows

from common.errors import UserError
from webcam.outputs.video import VideoRecorder
from webcam.sources.frame import Frame, VideoInfo

RATE = 10


def open_recorder(path, live=True, paths=()):
    """Return a recorder of frames as they are."""
    source = SimpleNamespace(info=VideoInfo(RATE, live), paths=list(paths))
    return VideoRecorder(path, source, lambda frame, faces: frame.image)


def record(path, moments, pause_before=(), end=None, **options):
    """Record frames whose gray value is ten times their number, starting at 1.

    Return the gray values of the video.
    """
    recorder = open_recorder(path, **options)
    for number, seconds in enumerate(moments, 1):
        if number in pause_before:
            recorder.skip_pause()
        picture = np.full((48, 64, 3), 10 * number, np.uint8)
        recorder.write(Frame(picture, seconds), [])
    assert recorder.active
    recorder.end(end)
    recorder.close()
    assert recorder.written == [path] and not recorder.active
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(RATE)
    return [round(float(frame.mean()) / 10) for frame in frames_of(path)]


def test_frames_at_the_rate_are_written_once(tmp_path):
    assert record(tmp_path / "out.avi", [0, 0.1, 0.2, 0.3]) == [1, 2, 3, 4]


def test_a_picture_is_held_until_the_next_ones_time(tmp_path):
    assert record(tmp_path / "out.avi", [5.0, 5.1, 5.5]) == [1, 2, 2, 2, 2, 3]


def test_of_pictures_that_come_too_fast_the_latest_counts(tmp_path):
    assert record(tmp_path / "out.avi", [0, 0.02, 0.04, 0.06, 0.1]) == [3, 5]


def test_the_last_picture_is_held_until_the_end_of_the_source(tmp_path):
    assert record(tmp_path / "out.avi", [0, 0.1], end=0.5) == [1, 2, 2, 2, 2]
    assert record(tmp_path / "early.avi", [0, 0.1], end=0.05) == [1, 2]


def test_the_time_of_a_pause_is_left_out(tmp_path):
    assert record(tmp_path / "out.avi", [0, 0.1, 60.0, 60.1], pause_before=[3]) == [1, 2, 3, 4]


def test_a_gap_is_filled_but_of_a_camera_for_no_longer_than_it_may_be_silent(tmp_path):
    assert len(record(tmp_path / "camera.avi", [0, 1000.0])) == 1 + 5 * RATE + 1
    assert len(record(tmp_path / "file.avi", [0, 20.0], live=False)) == 20 * RATE + 1


def test_another_size_is_brought_to_the_first(tmp_path):
    recorder = open_recorder(tmp_path / "out.avi")
    for number, shape in enumerate([(48, 64, 3), (96, 128, 3)]):
        picture = np.full(shape, 100, np.uint8)
        recorder.write(Frame(picture, number / RATE), [])
    recorder.close()
    assert [frame.shape for frame in frames_of(tmp_path / "out.avi")] == [(48, 64, 3)] * 2


def test_a_recording_without_a_frame_leaves_nothing(tmp_path):
    recorder = open_recorder(tmp_path / "out.avi")
    assert recorder.stop() is None and list(tmp_path.iterdir()) == []


def test_what_can_not_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "in.mp4").write_text("the source")
    for path, says in (
        ("out.gif", "unknown file extension"),
        ("nowhere/out.mp4", "no such folder"),
        ("in.mp4", "the source"),
    ):
        with pytest.raises(UserError, match=says):
            open_recorder(tmp_path / path, paths=[tmp_path / "in.mp4"])


def test_a_pause_of_a_file_does_not_shorten_its_copy(tmp_path):
    moments = [0, 0.2, 0.4]
    gray = record(tmp_path / "out.avi", moments, pause_before=[2], live=False, end=0.6)
    assert gray == [1, 1, 2, 2, 3, 3]


def test_a_recording_that_is_asked_for_before_the_first_frame_begins_with_it(tmp_path):
    assert record(tmp_path / "out.avi", [3.0, 3.1], pause_before=[1]) == [1, 2]


def test_after_a_long_sleep_of_the_computer_the_recording_goes_on_as_before(tmp_path):
    moments = [0, 60, 60.1, 60.2]
    gray = record(tmp_path / "out.avi", moments)
    assert gray == [1] * 51 + [2, 3, 4]


@pytest.mark.parametrize("suffix", [".mkv", slow(".webm"), slow(".avi")])
def test_what_a_killed_run_has_recorded_can_be_played(tmp_path, suffix):
    """A power cut has the same effect: the last seconds are lost.

    The program itself chooses the first two formats.
    """
    make_video(tmp_path / "long.avi", 900)
    given = ["--output", f"out{suffix}", "--csv", "out.csv"]
    process = start("--headless", "--source", "long.avi", *given, cwd=tmp_path)
    wait_for_rows(tmp_path / "out.csv", 300)
    process.kill()
    process.communicate()
    assert len(frames_of(tmp_path / f"out.partial{suffix}")) > 100
    assert not (tmp_path / f"out{suffix}").exists()
    # The next run starts again, and keeps the old recording under another name
    make_video(tmp_path / "in.avi")
    given = ["--source", "in.avi", "--output", f"out{suffix}", "--csv", "out.csv", "--headless"]
    run("realtime.py", *given, cwd=tmp_path)
    (kept,) = tmp_path.glob("out.partial*")
    assert kept.name.startswith("out.partial-") and len(frames_of(kept)) > 100
    assert len(frames_of(tmp_path / f"out{suffix}")) == 12


@pytest.mark.skipif(sys.platform == "win32", reason="not noticed on Windows")
@pytest.mark.parametrize("option, name", [("--csv", "out.csv"), ("--output", "out.mkv")])
def test_a_file_that_another_run_is_writing_is_refused(stream, tmp_path, option, name):
    given = ["--csv", "out.csv", "--output", "out.mkv"]
    process = start("--headless", "--source", stream, *given, cwd=tmp_path)
    wait_for_rows(tmp_path / "out.csv", 5)
    make_video(tmp_path / "in.avi")
    others = {"--csv": "other.csv", "--output": "other.mkv"} | {option: name}
    kept = next(place for place in others.values() if place.startswith("other"))
    (tmp_path / kept).write_bytes(b"an earlier one")
    given = [
        "--source",
        "in.avi",
        "--headless",
        *[word for pair in others.items() for word in pair],
    ]
    fails("realtime.py", *given, cwd=tmp_path, says=[name, "another run is writing it", option])
    assert (tmp_path / kept).read_bytes() == b"an earlier one", "neither output is touched"
    process.send_signal(signal.SIGINT)
    process.communicate()
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert len({row.count(",") for row in rows}) == 1 and len(rows) > 5
    assert frames_of(tmp_path / "out.mkv")


def test_an_unfinished_recording_can_be_the_source_of_a_whole_one(tmp_path):
    make_video(tmp_path / "out.partial.avi", 30)
    before = (tmp_path / "out.partial.avi").read_bytes()
    given = ["--source", "out.partial.avi", "--headless", "--output"]
    says = ["out.partial.avi", "would overwrite the source"]
    fails("realtime.py", *given, "out.avi", cwd=tmp_path, says=says)
    assert (tmp_path / "out.partial.avi").read_bytes() == before
    run("realtime.py", *given, "whole.avi", cwd=tmp_path)
    assert len(frames_of(tmp_path / "whole.avi")) == 30
