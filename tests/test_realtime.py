"""realtime.py without a window, on the sample picture and a video made from it, and its small functions."""

import csv
import os
import shutil
import subprocess

import cv2
import numpy as np
import pytest
from conftest import ROOT, make_video, run

import realtime

PICTURE = ROOT / "samples/astronaut.jpg"
FACE = (224, 118)  # x, y in pixels: the middle of the astronaut's face


@pytest.fixture(scope="module")
def network():
    return realtime.load_network(ROOT / "pretrained")


def rows_of(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def test_picture_gives_its_one_face_a_row_and_a_box(tmp_path):
    shutil.copy(PICTURE, tmp_path / "me.jpg")
    arguments = ["--source", "me.jpg", "--headless", "--output", "out.png"]
    said = run("realtime.py", *arguments, "--csv", "out.csv", cwd=tmp_path).stdout
    assert "1 frames, 1 faces" in said and "wrote out.png" in said and "wrote out.csv" in said
    (row,) = rows_of(tmp_path / "out.csv")
    labels = (ROOT / "pretrained/labels.txt").read_text().split()
    assert list(row) == ["frame", "time", "face", "x", "y", "width", "height", "emotion", "confidence", *labels]
    x, y, width, height = (int(row[name]) for name in ("x", "y", "width", "height"))
    assert x < FACE[0] < x + width and y < FACE[1] < y + height and 80 < width < 200
    probabilities = [float(row[name]) for name in labels]
    assert sum(probabilities) == pytest.approx(1, abs=1e-3)
    assert row["emotion"] == labels[int(np.argmax(probabilities))]
    assert float(row["confidence"]) == max(probabilities)
    before, after = cv2.imread(str(PICTURE)), cv2.imread(str(tmp_path / "out.png"))
    changed = np.argwhere((before != after).any(axis=2))
    assert before.shape == after.shape and len(changed) > 1000
    color = realtime.COLORS[labels.index(row["emotion"])]
    assert tuple(after[y + height, x + width // 2]) == color, "the box's lower edge"
    assert (
        before[y + 10 : y + height - 10, x + 10 : x + width - 10]
        == after[y + 10 : y + height - 10, x + 10 : x + width - 10]
    ).all()


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_video_keeps_every_frame_its_size_and_rate(tmp_path, suffix):
    make_video(tmp_path / "in.avi", frames=10)
    arguments = ["--source", "in.avi", "--headless", "--output", f"out{suffix}"]
    run("realtime.py", *arguments, "--csv", "out.csv", cwd=tmp_path)
    video = cv2.VideoCapture(str(tmp_path / f"out{suffix}"))
    frames = [video.read()[1] for _ in range(10)]
    assert all(frame.shape == (360, 480, 3) for frame in frames) and not video.read()[0]
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(25)
    rows = rows_of(tmp_path / "out.csv")
    assert [int(row["frame"]) for row in rows] == list(range(10))
    assert [float(row["time"]) for row in rows] == pytest.approx([number / 25 for number in range(10)], abs=1e-3)


def test_frames_without_a_face_have_no_row(tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((240, 320, 3), 128, np.uint8))
    arguments = ["--source", "wall.png", "--headless", "--csv", "out.csv"]
    assert "1 frames, 0 faces" in run("realtime.py", *arguments, cwd=tmp_path).stdout
    assert rows_of(tmp_path / "out.csv") == []


def test_without_a_model_of_ones_own_the_one_beside_the_script_is_used(tmp_path):
    """From any working directory, and it needs nothing but NumPy and OpenCV."""
    for name in ("keras", "tensorflow", "pandas", "PIL", "tqdm", "matplotlib", "sklearn"):
        (tmp_path / "block" / name).mkdir(parents=True)
        (tmp_path / "block" / name / "__init__.py").write_text(f"raise ImportError('{name} is blocked')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "block")}
    run("realtime.py", "--source", PICTURE, "--headless", "--csv", "out.csv", cwd=tmp_path, env=env)
    (row,) = rows_of(tmp_path / "out.csv")
    assert row["emotion"] == "happiness", "the astronaut smiles"


def test_input_shape_is_read_from_the_file():
    assert realtime.input_shape((ROOT / "pretrained/emotion.tflite").read_bytes())[1:] == [48, 48, 1]


def test_crop_beyond_the_frame_repeats_the_edge(network):
    gray = np.repeat(np.linspace(0, 255, 100).astype(np.uint8)[None], 100, axis=0)  # dark left, bright right
    inside = realtime.crop(gray, (26, 26, 48, 48), network)
    assert (inside == gray[26:74, 26:74]).all()
    left = realtime.crop(gray, (-24, 0, 48, 48), network)
    assert (left[:, :24] == 0).all() and (left[:, 24:] == gray[:48, :24]).all()
    right = realtime.crop(gray, (76, 76, 48, 48), network)
    assert (right[:, 24:] == 255).all() and (right[:24, :24] == gray[76:, 76:]).all()


def test_all_faces_of_a_frame_in_one_batch_are_named_as_one_by_one(network):
    gray = cv2.cvtColor(cv2.imread(str(PICTURE)), cv2.COLOR_BGR2GRAY)
    boxes = [(150, 50, 140, 140), (170, 60, 120, 120), (300, 200, 100, 100), (-20, -20, 90, 90)]
    together = realtime.classify(gray, boxes, network)
    assert together.shape == (4, len(network.emotions)) and realtime.classify(gray, [], network).shape == (0, 8)
    for box, row in zip(boxes, together):
        assert np.abs(realtime.classify(gray, [box], network)[0] - row).max() < 1e-5


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (280, 200, 60, 60), (100, 0, 240, 240), (-10, -10, 50, 50)])
def test_labels_stay_inside_the_frame(box):
    """A label beyond the border is no label: the whole strip of its colour must be there."""
    frame = np.zeros((240, 320, 3), np.uint8)
    realtime.draw(frame, [box], np.eye(8, dtype=np.float32)[[4]], ["a", "b", "c", "d", "happiness", "f", "g", "h"])
    strip = (frame == realtime.COLORS[4]).all(axis=2)
    assert strip.sum(axis=1).max() >= 40 and (strip.sum(axis=1) >= 40).sum() >= 8


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb, a display without a screen")
def test_window_shows_a_video_to_its_end(tmp_path):
    make_video(tmp_path / "in.avi", frames=10)
    read, write = os.pipe()
    display = subprocess.Popen(["Xvfb", "-displayfd", str(write)], pass_fds=[write], stderr=subprocess.DEVNULL)
    try:
        env = {**os.environ, "DISPLAY": f":{os.read(read, 10).decode().strip()}"}
        assert run("realtime.py", "--source", "in.avi", cwd=tmp_path, env=env).stdout.startswith("10 frames, 10 faces")
    finally:
        display.kill()
        display.wait()
