"""The demo, which realtime.py shows without a camera, and records without a display."""

import itertools
import os
import sys

import cv2
import pytest
from support.files import frames_of, make_video, rows_of
from support.scripts import PICTURE, fails, run, slow

from webcam.sources.demo import DemoSource

# This machine has no camera, whatever it really has
NO_CAMERA = {
    f"OPENCV_VIDEOIO_PRIORITY_{name}": "0"
    for name in ("V4L2", "GSTREAMER", "UEYE", "OBSENSOR", "AVFOUNDATION", "MSMF", "DSHOW")
}
ENV = {
    name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
} | NO_CAMERA


def test_without_a_camera_the_demo_is_shown_and_a_line_says_so(tmp_path):
    """The demo's faces are followed, smoothed and numbered."""
    done = run("realtime.py", "--headless", "--csv", "faces.csv", cwd=tmp_path, env=ENV)
    line, summary, wrote = done.stdout.splitlines()
    assert line.startswith("showing the demo: camera 0: no such camera") and "--source demo" in line
    assert summary.startswith("390 frames") and wrote == "wrote faces.csv"
    assert done.stderr == ""
    rows = rows_of(tmp_path / "faces.csv")
    portrait = [row for row in rows if int(row["x"]) < 280]
    drawn = [row for row in rows if int(row["x"]) >= 280]
    assert len({row["face"] for row in drawn}) == 1 and len(drawn) == 390

    def labels(begin, end):
        return {row["label"] for row in drawn if begin <= float(row["time"]) < end}

    for begin, end, label in [
        (0, 0.8, "neutral"),
        (1.6, 3.3, "happiness"),
        (4, 4.5, "neutral"),
        (5.3, 6.7, "surprise"),
        (7.6, 9.2, "sadness"),
        (10.1, 11.5, "anger"),
        (12.3, 13, "neutral"),
    ]:
        assert labels(begin, end) == {label}, begin
    first = [row for row in portrait if float(row["time"]) < 8.2]
    assert len(first) > 235 and len({row["face"] for row in first}) == 1
    assert {row["emotion"] for row in first} == {"happiness"}, "nearer, tilted and in the dark"
    widths = [int(row["width"]) for row in first]
    assert max(widths) > 1.4 * min(widths), "it comes nearer"
    assert not [row for row in portrait if 9.5 <= float(row["time"]) < 10.1], "it has left"
    back = {row["face"] for row in portrait if float(row["time"]) > 10.9}
    assert len(back) == 1 and back != {first[0]["face"]}, "it comes back with a new number"
    assert rows[-1]["frame"] == "389"


@pytest.mark.parametrize("arguments", [["--source", "0"], ["--size", "640x480"]])
def test_a_camera_that_was_asked_for_is_not_replaced_by_the_demo(tmp_path, arguments):
    says = ["0: no such camera", "samples/astronaut.jpg", "--source demo"]
    fails("realtime.py", *arguments, "--headless", cwd=tmp_path, env=ENV, says=says)


def test_what_is_named_demo_can_be_read_all_the_same(tmp_path):
    (tmp_path / "demo").mkdir()
    cv2.imwrite(str(tmp_path / "demo/a.png"), cv2.imread(str(PICTURE)))
    done = run("realtime.py", "--source", "./demo", "--headless", cwd=tmp_path)
    assert done.stdout.startswith("1 picture, 1 face")


linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")


@pytest.mark.slow
@linux
def test_without_a_display_the_demo_is_recorded(tmp_path):
    done = run("realtime.py", cwd=tmp_path, env=ENV)
    (recording,) = tmp_path.iterdir()
    assert recording.name.startswith("recording-") and recording.suffix == ".webm"
    _, line, *_, wrote = done.stdout.splitlines()
    assert line.startswith("can't open a window") and recording.name in line
    assert wrote == f"wrote {recording.name}" and done.stderr == ""
    frames = frames_of(recording)
    assert len(frames) == 390 and frames[0].shape == (480, 640, 3)
    assert cv2.inRange(frames[10], (40, 200, 200), (120, 255, 255)).any(), "with the box drawn"


@linux
@pytest.mark.parametrize("display", [{}, slow({"DISPLAY": ":4711"})])
def test_without_a_display_a_copy_of_any_source_is_written(tmp_path, display):
    env = ENV | display
    done = run("realtime.py", "--source", PICTURE, cwd=tmp_path, env=env)
    (picture,) = tmp_path.glob("snapshot-*.png")
    assert f"can't open a window (no display): writing {picture.name}" in done.stdout
    assert (cv2.imread(str(picture)) != cv2.imread(str(PICTURE))).any()
    run("realtime.py", "--source", PICTURE, picture, cwd=tmp_path, env=env)
    (folder,) = tmp_path.glob("snapshots-*")
    assert sorted(path.name for path in folder.iterdir()) == ["astronaut.jpg", picture.name]
    make_video(tmp_path / "in.avi", frames=5)
    run("realtime.py", "--source", "in.avi", cwd=tmp_path, env=env)
    (video,) = tmp_path.glob("recording-*.webm")
    assert len(frames_of(video)) == 5


@linux
@pytest.mark.parametrize("option, name", [("--csv", "faces.csv"), ("--output", "out.png")])
def test_without_a_display_nothing_is_written_that_was_not_asked_for(tmp_path, option, name):
    run("realtime.py", "--source", PICTURE, option, name, cwd=tmp_path, env=ENV)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_in_a_window_the_demo_begins_anew():
    frames = DemoSource(loops=True).frames()
    first = next(frames)
    again = next(itertools.islice(frames, 389, None))
    assert again.seconds == pytest.approx(13.0) and (again.image == first.image).all()
