"""realtime.py without a window: pictures, videos, streams, and its functions on frames made from the sample picture."""

import csv
import datetime
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from conftest import ROOT, fails, make_video, run, slow

from webcam import Face, FaceAnalyzer
from webcam.camera import CameraSource, open_capture
from webcam.classifier import Classifier, crop
from webcam.detector import FaceDetector
from webcam.overlay import COLORS, draw_faces
from webcam.smoothing import ProbabilitySmoother
from webcam.tflite import input_shape
from webcam.tracker import Tracker

PICTURE = ROOT / "samples/astronaut.jpg"
FACE = (224, 118)  # x, y in pixels: the middle of the astronaut's face


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load(ROOT / "pretrained")


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


@pytest.fixture(scope="module")
def photo():
    return cv2.imread(str(PICTURE))


def rows_of(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def frames_of(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1])
    return frames


def gray_scene(photo, *middles, size=(640, 480), side=160):
    """A gray frame with the astronaut's head, a square of `side` pixels, around each of `middles`."""
    scene = np.full((size[1], size[0]), 90, np.uint8)
    head = cv2.cvtColor(photo[18:218, 124:324], cv2.COLOR_BGR2GRAY)
    head = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    for x, y in middles:
        scene[y - side // 2 : y - side // 2 + side, x - side // 2 : x - side // 2 + side] = head
    return scene


def middle(box):
    x, y, side = box
    return x + side / 2, y + side / 2


# Pictures


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
    color = COLORS[labels.index(row["emotion"])]
    assert tuple(after[y + height, x + width // 2]) == color, "the box's lower edge"
    inside = slice(y + 10, y + height - 10), slice(x + 10, x + width - 10)
    assert (before[inside] == after[inside]).all()


def test_mirror_turns_picture_and_boxes(tmp_path):
    for option in ("--mirror", "--no-mirror"):
        names = ["--csv", f"out{option}.csv", "--output", f"out{option}.png"]
        run("realtime.py", "--source", PICTURE, "--headless", option, *names, cwd=tmp_path)
    (mirrored,), (plain,) = (rows_of(tmp_path / f"out{option}.csv") for option in ("--mirror", "--no-mirror"))
    left = 512 - int(plain["x"]) - int(plain["width"])
    assert abs(int(mirrored["x"]) - left) <= 5 and abs(int(mirrored["y"]) - int(plain["y"])) <= 5
    pictures = [cv2.imread(str(tmp_path / f"out{option}.png")) for option in ("--mirror", "--no-mirror")]
    assert (pictures[0][300:] == pictures[1][300:, ::-1]).all()


@pytest.mark.parametrize("how", ["folder", "pattern", "names"])
def test_many_pictures_go_through_in_order(tmp_path, photo, how):
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos/a1.png"), photo)
    cv2.imwrite(str(tmp_path / "photos/a2.jpg"), np.full((120, 160, 3), 128, np.uint8))
    cv2.imwrite(str(tmp_path / "photos/a3.PNG"), cv2.resize(photo, (256, 256)))
    (tmp_path / "photos/notes.txt").write_text("not a picture")
    source = {
        "folder": ["photos"],
        "pattern": ["photos/a*"],
        "names": [f"photos/a{n}" for n in ("1.png", "2.jpg", "3.PNG")],
    }
    arguments = ["--headless", "--output", "out", "--csv", "out.csv"]
    said = run("realtime.py", "--source", *source[how], *arguments, cwd=tmp_path).stdout
    assert "3 frames, 2 faces" in said and "wrote out\n" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a1.png", "a2.jpg", "a3.PNG"]
    rows = rows_of(tmp_path / "out.csv")
    assert [(row["frame"], row["face"], row["file"]) for row in rows] == [
        ("0", "1", "photos/a1.png"),
        ("2", "1", "photos/a3.PNG"),
    ]
    assert (cv2.imread(str(tmp_path / "out/a1.png")) != photo).any()


@pytest.mark.parametrize("how", ["text", "cut"])
def test_a_broken_picture_is_named_once_the_others_are_done(tmp_path, photo, how):
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "c.png"):
        shutil.copy(PICTURE, tmp_path / "photos" / name)
    data = cv2.imencode(".png", photo)[1].tobytes()
    (tmp_path / "photos/b.png").write_bytes(b"no picture" if how == "text" else data[: len(data) // 2])
    arguments = ["--source", "photos", "--headless", "--output", "out", "--csv", "out.csv"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=["photos/b.png", "not a picture"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]
    assert [row["file"] for row in rows_of(tmp_path / "out.csv")] == ["photos/a.png", "photos/c.png"]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--source", "empty"], ["empty", "no pictures in it"]),
        (["--source", "nothing*.jpg"], ["nothing*.jpg", "no such file"]),
        (["--source", "photos", "clip.avi"], ["clip.avi", "alone"]),
        (["--source", "photos", "--output", "photos"], ["photos", "the sources themselves"]),
        (["--source", "photos", "more/a.png", "--output", "out"], ["a.png", "two pictures"]),
        (["--source", "photos", "--output", "clip.avi"], ["clip.avi", "give a folder"]),
        (["--source", "photos", "--output", "nowhere/out"], ["nowhere", "no such folder"]),
        (["--source", "photos", "--size", "640x480"], ["--size", "camera"]),
        (["--source", "clip.avi", "--size", "640x480"], ["--size", "camera"]),
        (["--source", "clip.avi", "--size", "640"], ["--size 640", "1280x720"]),
        (["--source", "clip.avi", "--size", "0x480"], ["--size 0x480", "1280x720"]),
        (["--source", "0", "--size", "1" * 5000 + "x1"], ["--size 111", "1280x720"]),
        (["--source", "file://clip.avi"], ["no such file"]),
        (["--source", "clip.avi", "--smoothing", "-1"], ["--smoothing -1", "0 or more"]),
        (["--source", "clip.avi", "--smoothing", "nan"], ["--smoothing nan", "0 or more"]),
    ],
)
def test_sources_and_options_that_do_not_fit(tmp_path, arguments, says):
    for folder in ("photos", "more", "empty"):
        (tmp_path / folder).mkdir()
    shutil.copy(PICTURE, tmp_path / "photos/a.png")
    shutil.copy(PICTURE, tmp_path / "more/a.png")
    make_video(tmp_path / "clip.avi", frames=2)
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    fails("realtime.py", *arguments, "--headless", cwd=tmp_path, says=says)
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


ODD_PICTURES = {
    "one_pixel": (np.zeros((1, 1, 3), np.uint8), 0),
    "one_line": (np.zeros((1, 3000, 3), np.uint8), 0),
    "gray": (lambda photo: cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), 1),
    "alpha": (lambda photo: cv2.cvtColor(photo, cv2.COLOR_BGR2BGRA), 1),
    "16_bits": (lambda photo: photo.astype(np.uint16) * 257, 1),
    "48_megapixels": (lambda photo: cv2.resize(photo, (8000, 6000)), 1),
    "in_the_corner": (lambda photo: photo[50:200, 165:400], 1),
}


@pytest.mark.parametrize("name", [slow(name) if name == "48_megapixels" else name for name in ODD_PICTURES])
def test_odd_pictures(tmp_path, photo, name):
    picture, faces = ODD_PICTURES[name]
    picture = picture(photo) if callable(picture) else picture
    cv2.imwrite(str(tmp_path / "in.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    arguments = ["--source", "in.png", "--headless", "--output", "out.png", "--bars"]
    assert f"1 frames, {faces} faces" in run("realtime.py", *arguments, cwd=tmp_path).stdout
    assert cv2.imread(str(tmp_path / "out.png")).shape[:2] == picture.shape[:2]


# Videos


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


@pytest.mark.parametrize("size", [(2, 2), (16, 900), (1920, 20)])
def test_videos_of_odd_sizes(tmp_path, size):
    writer = cv2.VideoWriter(str(tmp_path / "in.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, size)
    for _ in range(5):
        writer.write(np.zeros((size[1], size[0], 3), np.uint8))
    writer.release()
    said = run("realtime.py", "--source", "in.avi", "--headless", "--output", "out.avi", "--bars", cwd=tmp_path).stdout
    assert said.startswith("5 frames, 0 faces") and frames_of(tmp_path / "out.avi")[0].shape[1::-1] == size


def test_names_that_ffmpeg_or_the_terminal_would_misread(tmp_path):
    make_video(tmp_path / "12:30.avi", frames=5)
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    arguments = ["--source", "12:30.avi", "--headless", "--output", "http:\u00fc.avi"]
    assert "wrote http:\\xfc.avi" in run("realtime.py", *arguments, cwd=tmp_path, env=env).stdout
    assert len(frames_of(tmp_path / "http:\u00fc.avi")) == 5


def test_a_file_given_as_a_url_is_not_overwritten(tmp_path):
    before = make_video(tmp_path / "in.avi", frames=5).read_bytes()
    source = (tmp_path / "in.avi").as_uri()
    fails("realtime.py", "--source", source, "--headless", "--output", "in.avi", cwd=tmp_path, says="the source itself")
    assert (tmp_path / "in.avi").read_bytes() == before


def test_a_pattern_may_stand_for_one_video(tmp_path):
    make_video(tmp_path / "in.avi", frames=5)
    assert run("realtime.py", "--source", "i*.avi", "--headless", cwd=tmp_path).stdout.startswith("5 frames, 5 faces")


def test_a_video_cut_off_is_named_as_far_as_it_goes(tmp_path):
    whole = make_video(tmp_path / "whole.avi", frames=20).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) * 6 // 10])
    arguments = ["--source", "cut.avi", "--headless", "--output", "out.avi", "--csv", "out.csv"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=["cut.avi", "damaged", "of 0.8 seconds"])
    frames = len(frames_of(tmp_path / "out.avi"))
    assert 8 <= frames < 20 and len(rows_of(tmp_path / "out.csv")) == frames


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


def test_the_table_can_be_plotted(tmp_path):
    make_video(tmp_path / "in.avi", frames=10)
    run("realtime.py", "--source", "in.avi", "--headless", "--csv", "out.csv", cwd=tmp_path)
    run("samples/plot_csv.py", "out.csv", "out.png", cwd=tmp_path)
    assert cv2.imread(str(tmp_path / "out.png")).std() > 20
    (tmp_path / "none.csv").write_text((tmp_path / "out.csv").read_text().splitlines()[0] + "\n")
    fails("samples/plot_csv.py", "none.csv", "none.png", cwd=tmp_path, says=["none.csv", "no faces"])


# Streams


def start(*arguments, cwd):
    command = [sys.executable, str(ROOT / "realtime.py"), *map(str, arguments)]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_rows(path, count):
    for _ in range(600):
        if path.is_file() and path.read_text().count("\n") > count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path}: no {count} rows within 30 s")


@pytest.mark.parametrize("stream", [{"count": 40}], indirect=True)
def test_a_camera_that_stops_leaves_whole_files_and_one_line(tmp_path, stream):
    error = fails(
        "realtime.py", "--source", stream, "--headless", "--output", "out.mp4", "--csv", "out.csv", cwd=tmp_path,
        says="no frame for 5 seconds or more",
    )  # fmt: skip
    assert stream in error
    rows = rows_of(tmp_path / "out.csv")
    clocks = [datetime.datetime.fromisoformat(row["clock"]) for row in rows]
    assert clocks[0].tzinfo and clocks == sorted(clocks) and len(rows) > 5
    times = [float(row["time"]) for row in rows]
    assert times[0] == 0 and (clocks[-1] - clocks[0]).total_seconds() == pytest.approx(times[-1], abs=0.01)
    video = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    seconds = len(frames_of(tmp_path / "out.mp4")) / video.get(cv2.CAP_PROP_FPS)
    assert seconds == pytest.approx(times[-1], abs=0.15), "it plays as long as it took"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_recording_properly(tmp_path, stream, number):
    process = start("--source", stream, "--headless", "--output", "out.mp4", "--csv", "out.csv", cwd=tmp_path)
    wait_for_rows(tmp_path / "out.csv", 5)
    process.send_signal(number)
    said, error = process.communicate(timeout=30)
    assert process.returncode == 130 and "wrote out.mp4" in said and error == "", error
    assert len(frames_of(tmp_path / "out.mp4")) > 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.mp4"]


@pytest.mark.parametrize("gap", [0.001, 0.01, 0.05])
def test_a_second_signal_does_not_lose_the_recording(tmp_path, stream, gap):
    process = start("--source", stream, "--headless", "--output", "out.mkv", "--csv", "out.csv", cwd=tmp_path)
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
    """And does not end in an abort, under the thread that is reading."""
    for _ in range(3):
        fails(
            "realtime.py", "--source", stream, "--headless", "--output", "out.foo", cwd=tmp_path, says="unknown ending"
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
    camera = CameraSource(stream, None, open_capture(stream))
    frames = camera.frames()
    ages = []
    for _ in range(5):
        while (frame := next(frames)).picture is None:
            pass
        ages.append((frame.seconds, int(frame.picture[:16].mean())))
        time.sleep(0.5)
    camera.close()
    for (before, old), (after, new) in itertools.pairwise(ages):
        assert (new - old) % 256 > 8, "half a second is 25 frames, or somewhat fewer on a busy machine"
        assert after - before > 0.4


def test_a_stream_that_never_answers_can_be_interrupted(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = start("--source", f"http://127.0.0.1:{silent.getsockname()[1]}/x", "--headless", cwd=tmp_path)
        connection, _ = silent.accept()
        with connection:
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=5)
    assert process.returncode == 130 and error == "interrupted\n"


# Following faces


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
    faces = [tracker.update(gray_scene(photo, (320, 240), side=side), n / 30)[0] for n, side in enumerate(sides)]
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
    """Four of them, of which two are looked for in each frame."""
    tracker = Tracker(detector)
    for number in range(30):
        places = [(160 + 3 * number, 120), (480, 120 + 3 * number), (160, 360), (480 - 3 * number, 360)]
        faces = tracker.update(gray_scene(photo, *places, side=130), number / 30)
        if number == 0:
            first = {face.track_id: middle(face.smoothed_box) for face in faces}
    assert len(first) == 4 and {face.track_id for face in faces} == set(first)
    for face in faces:
        start_place = min(
            range(4),
            key=lambda n: np.hypot(
                *np.subtract(first[face.track_id], [(160, 120), (480, 120), (160, 360), (480, 360)][n])
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


def test_a_face_of_any_size_is_found_at_once(photo, detector):
    for side in (130, 180, 260, 400, 700):
        scene = gray_scene(photo, (640, 360), size=(1280, 720), side=side)
        (face,) = Tracker(detector).update(scene, 0.0)
        assert 0.35 < face.smoothed_box[2] / side < 0.85, side


# Naming them


def test_input_shape_is_read_from_the_file():
    assert input_shape((ROOT / "pretrained/emotion.tflite").read_bytes())[1:] == [48, 48, 1]


def test_crop_beyond_the_frame_repeats_the_edge():
    gray = np.repeat(np.linspace(0, 255, 100).astype(np.uint8)[None], 100, axis=0)  # dark left, bright right
    inside = crop(gray, (26, 26, 48), (48, 48))
    assert (inside == gray[26:74, 26:74]).all()
    left = crop(gray, (-24, 0, 48), (48, 48))
    assert (left[:, :24] == 0).all() and (left[:, 24:] == gray[:48, :24]).all()
    right = crop(gray, (76, 76, 48), (48, 48))
    assert (right[:, 24:] == 255).all() and (right[:24, :24] == gray[76:, 76:]).all()


def test_all_faces_of_a_frame_in_one_batch_are_named_as_one_by_one(classifier, photo):
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    boxes = np.array([(150, 50, 140), (170, 60, 120), (300, 200, 100), (-20, -20, 90)], float)
    together = classifier.classify(gray, list(boxes))
    assert together.shape == (4, len(classifier.emotions))
    assert classifier.classify(gray, []).shape == (0, len(classifier.emotions))
    for box, row in zip(boxes, together):
        assert np.abs(classifier.classify(gray, [box]) - row).max() < 1e-5


@pytest.mark.parametrize("rate", [7, 30, 120])
def test_smoothing_takes_its_time_at_any_frame_rate(rate):
    """After the time constant of a new expression, 1 - 1/e of the way from the old one is gone."""
    before, aim = np.float32([1, 0]), np.float32([0, 1])
    smoother = ProbabilitySmoother(0.5)
    smoother.update(1, before, 0.0)
    steps = round(0.5 * rate)
    for step in range(1, steps + 1):
        smoother.update(1, aim, 0.5 * step / steps)
    assert np.allclose(smoother[1], aim + (before - aim) / np.e, atol=1e-4)
    unsmoothed = ProbabilitySmoother(0.0)
    for number, row in enumerate((before, aim)):
        unsmoothed.update(1, row, float(number))
        assert (unsmoothed[1] == row).all()


def test_a_track_that_is_forgotten_starts_anew():
    smoother = ProbabilitySmoother(10.0)
    for track_id in (1, 2):
        smoother.update(track_id, np.float32([1, 0]), 0.0)
    smoother.keep({2})
    for track_id in (1, 2):
        smoother.update(track_id, np.float32([0, 1]), 1.0)
    assert smoother[1].tolist() == [0, 1] and 0.8 < smoother[2][0] < 1


def test_a_face_not_found_keeps_its_probabilities(photo):
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    for number in range(4):
        (face,) = analyzer.analyze(photo, number / 30)
    wall = np.full_like(photo, 128)
    (hidden,) = analyzer.analyze(wall, 4 / 30)
    assert (hidden.track_id, hidden.box) == (face.track_id, face.box)
    assert (hidden.probabilities == face.probabilities).all()
    assert analyzer.analyze(wall, 1.0) == []


EMOTIONS = ["a", "b", "c", "d", "happiness", "f", "g", "h"]


def face_at(box):
    """A face that is sure to be happy."""
    return Face(1, box, EMOTIONS[4], 1.0, np.eye(8, dtype=np.float32)[4])


@pytest.mark.parametrize("bars", [False, True])
@pytest.mark.parametrize("box", [(0, 0, 30, 30), (280, 200, 60, 60), (100, 0, 240, 240), (-10, -10, 50, 50)])
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


def test_colors_are_told_apart_without_red_or_green(classifier):
    """Machado et al. 2009's matrix for no red cones at all, on linear light; distance in CIE Lab."""
    colors = np.array(COLORS, np.float32)[:, ::-1] / 255
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    blind = np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    )
    seen = np.clip(linear @ blind.T, 0, 1)
    seen = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055).astype(np.float32)
    lab = cv2.cvtColor(seen[None], cv2.COLOR_RGB2Lab)[0]
    assert len(COLORS) >= len(classifier.emotions)
    for one, other in itertools.combinations(lab, 2):
        assert np.linalg.norm(one - other) > 10
