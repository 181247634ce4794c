"""Cameras and streams, which give only their newest frame, and recordings that are stopped."""

import datetime
import itertools
import os
import signal
import socket
import time
from pathlib import Path

import cv2
import pytest
from support.files import frames_of, rows_of
from support.scripts import fails, slow, start, wait_for_rows

from webcam.sources.camera import CameraSource
from webcam.sources.capture import open_capture
from webcam.sources.overheard import Overheard


@pytest.mark.parametrize("stream", [{"count": 40}], indirect=True)
def test_a_camera_that_stops_leaves_whole_files_and_one_line(tmp_path, stream):
    error = fails(
        "realtime.py", "--source", stream, "--headless", "--output", "out.mp4", "--csv", "out.csv", cwd=tmp_path,
        says="no frame for 5 seconds or more",
    )  # fmt: skip
    assert stream in error
    rows = rows_of(tmp_path / "out.csv")
    clocks = [datetime.datetime.fromisoformat(row["clock"]) for row in rows]
    assert clocks[0].tzinfo and clocks == sorted(clocks) and len(rows) > 1
    times = [float(row["time"]) for row in rows]
    assert times[0] == 0 and (clocks[-1] - clocks[0]).total_seconds() == pytest.approx(
        times[-1], abs=0.01
    )
    video = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    seconds = len(frames_of(tmp_path / "out.mp4")) / video.get(cv2.CAP_PROP_FPS)
    assert seconds == pytest.approx(times[-1], abs=0.15), "it plays as long as it took"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_recording_properly(tmp_path, stream, number):
    process = start(
        "--source", stream, "--headless", "--output", "out.mp4", "--csv", "out.csv", cwd=tmp_path
    )
    wait_for_rows(tmp_path / "out.csv", 5)
    process.send_signal(number)
    said, error = process.communicate(timeout=30)
    assert process.returncode == 130 and "wrote out.mp4" in said and error == "", error
    assert len(frames_of(tmp_path / "out.mp4")) > 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.mp4"]


@pytest.mark.parametrize("gap", [0.01, *map(slow, [0.001, 0.05])])
def test_a_second_signal_does_not_lose_the_recording(tmp_path, stream, gap):
    process = start(
        "--source", stream, "--headless", "--output", "out.mkv", "--csv", "out.csv", cwd=tmp_path
    )
    wait_for_rows(tmp_path / "out.csv", 5)
    process.send_signal(signal.SIGINT)
    time.sleep(gap)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=30)
    assert error == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.mkv"]
    assert len(frames_of(tmp_path / "out.mkv")) > 3


@pytest.mark.parametrize("stream", [{"pause": 0.001}], indirect=True)
def test_a_bad_output_for_a_stream_gives_one_line(tmp_path, stream):
    """It does not abort while a thread still reads."""
    for _ in range(3):
        fails(
            "realtime.py",
            "--source",
            stream,
            "--headless",
            "--output",
            "out.foo",
            cwd=tmp_path,
            says="unknown file extension",
        )


def test_killed_it_loses_no_more_than_a_second_of_rows(tmp_path, stream):
    process = start("--source", stream, "--headless", "--csv", "out.csv", cwd=tmp_path)
    wait_for_rows(tmp_path / "out.csv", 5)
    time.sleep(1.5)
    killed = datetime.datetime.now().astimezone()
    process.kill()
    process.communicate()
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert all(line.count(",") == lines[0].count(",") for line in lines[:-1])
    last = datetime.datetime.fromisoformat(lines[-2].split(",")[-1])
    assert (killed - last).total_seconds() < 1


def test_a_camera_shows_its_newest_frame_however_slow_the_loop(stream):
    camera = CameraSource(stream, None, open_capture(stream), Overheard())
    frames = camera.frames()
    ages = []
    for _ in range(5):
        while (frame := next(frames)) is None:
            pass
        ages.append((frame.seconds, int(frame.image[:16].mean())))
        time.sleep(0.5)
    camera.close()
    for (before, old), (after, new) in itertools.pairwise(ages):
        assert (new - old) % 256 > 8, (
            "half a second is 25 frames, or somewhat fewer on a busy machine"
        )
        assert after - before > 0.4


def test_a_stream_that_never_answers_can_be_interrupted(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = start(
            "--source", f"http://127.0.0.1:{silent.getsockname()[1]}/x", "--headless", cwd=tmp_path
        )
        connection, _ = silent.accept()
        with connection:
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=5)
    assert process.returncode == 130 and error == "interrupted\n"


@pytest.mark.parametrize("name", ["7", "/dev/video7", "by-id"])
def test_a_camera_goes_by_its_number_or_its_device_file(tmp_path, name):
    """No such camera exists here, and the error says so."""
    if name == "by-id":  # udev names cameras by links
        if not os.access("/dev", os.W_OK):
            pytest.skip("no link can be made")
        link = Path("/dev/test-camera")
        link.unlink(missing_ok=True)
        link.symlink_to("video7")
    try:
        source = str(link) if name == "by-id" else name
        fails("realtime.py", "--source", source, "--headless", cwd=tmp_path, says="no such camera")
    finally:
        if name == "by-id":
            link.unlink()
