"""realtime.py's window on a display without a screen.

Xvfb is the display, Openbox the window manager, and xdotool presses the keys.
"""

import os
import shutil
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from PIL import Image, ImageGrab
from support.files import frames_of, make_video, rows_of
from support.scripts import ROOT, slow

from webcam import FaceAnalyzer
from webcam.display.window import Window

pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, ["Xvfb", "openbox", "xdotool"])),
        reason="needs Xvfb, Openbox and xdotool",
    ),
]


class Display:
    """An X server without a screen, and a window manager."""

    def __init__(self):
        read, write = os.pipe()
        # With -r, Xvfb does not repeat a key whose release comes late on a busy machine
        command = [
            "Xvfb",
            "-displayfd",
            str(write),
            "-screen",
            "0",
            "1280x1024x24",
            "-noreset",
            "-r",
        ]
        self.server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with open(read) as told:
            self.name = f":{told.readline().strip()}"
        # Without a window manager, Qt leaves one window in four black
        env = {**os.environ, "DISPLAY": self.name}
        self.manager = subprocess.Popen(["openbox"], env=env, stderr=subprocess.DEVNULL)

    def close(self):
        for process in (self.manager, self.server):
            process.kill()
            process.wait()


class Session:
    """A running realtime.py, with a user's view and actions."""

    def __init__(self, folder, *arguments, **env):
        self.folder = folder
        command = [sys.executable, str(ROOT / "realtime.py"), *map(str, arguments)]
        # On a busy machine, Qt leaves one new window in a hundred unpainted. A user starts again then
        for _ in range(3):
            self.display = Display()
            self.env = {**os.environ, "DISPLAY": self.display.name, **env}
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            if self.becomes(self.is_painted, 15):
                break
            self.close()
        else:
            raise AssertionError(f"no window in three tries: {self.process.communicate()}")
        self.do("windowactivate", "--sync", self.window())

    def is_painted(self):
        screen = self.screen()
        return ((screen > 50) & (screen < 255)).all(axis=2).sum() > 40_000

    def close(self):
        self.process.kill()
        self.process.wait()
        self.display.close()

    def do(self, *command):
        """Return the output of xdotool."""
        command = ["xdotool", *command]
        options = {"env": self.env, "check": True, "timeout": 30}
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, **options).stdout

    def press(self, key):
        window = self.window()
        self.do(*(["windowactivate", "--sync", window] if window else []), "key", key)
        # OpenCV keeps one key. It drops the first of two keys within a few milliseconds
        time.sleep(0.2)

    def window(self):
        """Return the window's number.

        Ask for it each time, since Qt may replace a window as it opens it.
        """
        title = Window.TITLE.split(" (")[0]
        search = [
            "xdotool",
            "search",
            "--onlyvisible",
            "--all",
            "--pid",
            str(self.process.pid),
            "--name",
            title,
        ]
        found = subprocess.run(
            search, env=self.env, capture_output=True, text=True, timeout=30
        ).stdout.split()
        return found[0] if found else None

    def place(self):
        """Return x, y, width and height of the window, or zeros if there is none."""
        number = self.window()
        if not number:
            return [0, 0, 0, 0]
        told = self.do("getwindowgeometry", "--shell", number)
        sides = dict(line.split("=") for line in told.split())
        return [int(sides[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")]

    def screen(self):
        """Return the pixels of the display, uint8 (height, width, 3)."""
        return np.asarray(ImageGrab.grab(xdisplay=self.display.name).convert("RGB"))

    def settled(self):
        """Return the pixels of the display once all notes have gone, after two seconds."""
        shown, since = self.screen(), time.monotonic()
        while time.monotonic() - since < 2.5:
            time.sleep(0.1)
            now = self.screen()
            if (now != shown).any():
                shown, since = now, time.monotonic()
        return shown

    def becomes(self, condition, seconds):
        """Return whether a condition becomes true in time, while the script runs."""
        until = time.monotonic() + seconds
        while (
            not (done := condition()) and time.monotonic() < until and self.process.poll() is None
        ):
            time.sleep(0.05)
        return done

    def wait(self, condition, what):
        assert self.becomes(condition, 15), f"no {what}; ended: {self.process.poll()}"

    def files(self, pattern):
        return sorted(self.folder.glob(pattern))

    def ends(self, status=0):
        said, error = self.process.communicate(timeout=30)
        assert self.process.returncode == status and error == "", error
        return said


@pytest.fixture
def session(tmp_path):
    sessions = []

    def begin(*arguments, **env):
        sessions.append(Session(tmp_path, *arguments, **env))
        return sessions[-1]

    yield begin
    for one in sessions:
        one.close()


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "in.avi", frames=500)


def differs(one, other):
    """Return how many pixels differ."""
    return (one != other).any(axis=2).sum()


def snapshot(session):
    before = session.files("snapshot-*.png")
    session.press("s")
    session.wait(lambda: len(session.files("snapshot-*.png")) > len(before), "snapshot")
    return cv2.imread(str(session.files("snapshot-*.png")[-1]))


def test_a_video_is_shown_to_its_end_and_its_last_frame_stays(session, tmp_path):
    make_video(tmp_path / "in.avi", frames=10)
    window = session("--source", "in.avi", "--csv", "out.csv")
    window.wait(lambda: len(rows_of(tmp_path / "out.csv")) == 10, "last row")
    time.sleep(1)
    assert snapshot(window).shape == (360, 480, 3), "keys work"
    window.press("q")
    assert window.ends().startswith("10 frames, 10 faces")


def test_of_several_videos_only_the_last_one_waits(session, tmp_path):
    """Finished outputs are complete by then. A failed video is named even if `q` ends the run."""
    for name in ("a.avi", "c.avi"):
        make_video(tmp_path / name, frames=10)
    (tmp_path / "b.avi").write_bytes(b"no video" * 100)
    window = session("--source", "a.avi", "b.avi", "c.avi", "--output", "out")
    window.wait((tmp_path / "out/c.avi").exists, "last video")
    assert len(frames_of(tmp_path / "out/c.avi")) == 10
    window.press("q")
    said, error = window.process.communicate(timeout=30)
    assert said.count("10 frames, 10 faces") == 2
    assert window.process.returncode == 1 and error.startswith(
        "error: 1 of 3 videos failed: b.avi: "
    )


def test_help_is_legible_on_a_small_video(session, tmp_path):
    writer = cv2.VideoWriter(
        str(tmp_path / "in.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (160, 120)
    )
    for _ in range(500):
        writer.write(np.full((120, 160, 3), 200, np.uint8))
    writer.release()
    window = session("--source", "in.avi")
    window.press("space")
    time.sleep(0.5)
    before = window.screen()
    window.press("h")
    window.wait(lambda: differs(window.screen(), before) > 30_000, "dark ground of the help")
    width, height = window.place()[2:]
    assert width >= 480 and height >= 360
    assert snapshot(window).shape == (120, 160, 3)
    window.press("q")
    window.ends()


@pytest.mark.parametrize(
    "key, face", [("q", True), ("Escape", False), slow("q", False), slow("Escape", True)]
)
def test_q_and_escape_quit_with_and_without_a_face(session, tmp_path, clip, key, face):
    if not face:
        writer = cv2.VideoWriter(
            str(tmp_path / "in.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (320, 240)
        )
        pattern = np.tile(np.uint8([[60] * 20 + [190] * 20]), (240, 8))[..., None].repeat(3, axis=2)
        for _ in range(500):
            writer.write(pattern)
        writer.release()
    window = session("--source", "in.avi")
    window.press(key)
    said = window.ends()
    frames, faces = (int(words.split()[0].replace(",", "")) for words in said.split(", ")[:2])
    assert 0 < frames < 500 and (faces > 0) == face


def test_closing_the_window_quits(session, clip):
    window = session("--source", "in.avi", "--csv", "out.csv")
    window.press("alt+F4")  # Openbox asks the window to close, like its button
    assert "wrote out.csv" in window.ends()


def test_space_pauses_and_goes_on(session, tmp_path, clip):
    window = session("--source", "in.avi", "--csv", "out.csv")

    def rows():
        return (tmp_path / "out.csv").read_text().count("\n")

    window.press("space")
    time.sleep(1)
    paused = rows()
    pictures = [snapshot(window) for _ in range(2)]
    assert (pictures[0] == pictures[1]).all(), "the picture stands still"
    assert rows() == paused
    window.press("space")
    window.wait(lambda: rows() > paused, "row after the pause")
    window.press("q")
    window.ends()


def test_m_mirrors_and_b_shows_bars(session, clip):
    window = session("--source", "in.avi")
    window.press("space")
    plain = snapshot(window)
    window.press("m")
    mirrored = snapshot(window)
    assert (plain != mirrored).any() and (plain[250:] == mirrored[250:, ::-1]).all()
    window.press("m")
    window.press("b")
    bars = snapshot(window)
    changed = (plain != bars).any(axis=2)
    assert (plain[changed].mean(axis=1) > bars[changed].mean(axis=1)).mean() > 0.6, "a dark panel"
    assert changed.sum() > 2000
    window.press("b")
    assert (snapshot(window) == plain).all()
    window.press("q")
    assert window.ends().count("wrote snapshot-") == 4


def test_h_shows_the_keys(session, clip):
    window = session("--source", "in.avi")
    window.press("space")
    time.sleep(0.5)
    before = window.screen()
    window.press("h")
    window.wait(lambda: (window.screen() != before).any(axis=2).sum() > 3000, "help")
    after = window.screen()
    changed = (after != before).any(axis=2)
    assert (after[changed] < 115).all(axis=1).mean() > 0.5, "a dark ground"
    assert (after[changed] > 160).all(axis=1).sum() > 100, "light letters"
    window.press("h")
    window.wait(lambda: (window.screen() != before).any(axis=2).sum() < 200, "end of the help")
    assert not (snapshot(window) > 240).all(axis=2)[:20, :20].any(), "none of that in a snapshot"
    window.press("q")
    window.ends()


@pytest.mark.slow
@pytest.mark.parametrize("stream", [{"count": 150}], indirect=True)
def test_keys_work_while_a_camera_is_silent(session, tmp_path, stream):
    window = session("--source", stream, "--csv", "out.csv")
    table = tmp_path / "out.csv"
    window.wait(
        lambda: table.exists() and time.time() - table.stat().st_mtime > 1.5, "end of the frames"
    )
    before = window.screen()
    window.press("h")
    window.wait(lambda: (window.screen() != before).any(axis=2).sum() > 3000, "help")
    window.press("q")
    window.ends()


def test_keys_save_faces_as_the_emotions_that_the_window_shows(session, tmp_path, clip):
    window = session("--source", "in.avi", "--collect", "mine", "--emotions", "glad", "sad")
    for key, emotion, count in (
        ("1", "glad", 1),
        ("2", "sad", 1),
        ("2", "sad", 2),
        ("3", "glad", 1),
    ):
        window.press(key)
        window.wait(lambda: len(window.files(f"mine/{emotion}/face-*.png")) == count, "face")  # noqa: B023
    window.press("space")
    shown = window.settled()
    window.press("2")  # also in a paused video
    window.wait(lambda: len(window.files("mine/sad/face-*.png")) == 3, "face")
    changed = np.argwhere((window.settled() != shown).any(axis=2))
    assert 4 < len(changed) < 300 and np.ptp(changed, axis=0).max() < 30, "the count alone changes"
    latest = window.files("mine/sad/face-*.png")[-1]
    window.press("u")
    window.wait(lambda: not latest.exists(), "undo")
    window.press("q")
    assert "wrote mine: 3 faces: glad 1, sad 2\n" in window.ends()
    for path in window.files("mine/*/*"):
        face = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert face.shape == (48, 48) and face.std() > 30


def test_keys_save_faces_without_being_asked_to(session, tmp_path, clip):
    """They go to data/collected, under the emotions of the network."""
    window = session("--source", "in.avi")
    window.press("5")
    window.wait(lambda: window.files("data/collected/happiness/face-*.png"), "face")
    window.press("q")
    assert "wrote data/collected: 1 face: happiness 1\n" in window.ends()


def test_r_records_and_stops(session, tmp_path, clip):
    window = session("--source", "in.avi")
    for number in (1, 2):

        def finished(number=number):
            return len(window.files("recording-*[0-9].mkv")) == number

        window.press("r")
        window.wait(lambda: window.files("recording-*.partial.mkv"), "recording")
        time.sleep(0.5)
        window.press("r")
        window.wait(finished, "finished recording")
    window.press("r")
    window.wait(lambda: window.files("recording-*.partial.mkv"), "third recording")
    time.sleep(0.3)
    window.press("q")
    assert window.ends().count("wrote recording-") == 3, "quitting ends it properly"
    for path in window.files("recording-*.mkv"):
        there, frame = cv2.VideoCapture(str(path)).read()
        assert there and frame.shape == (360, 480, 3)
    assert not window.files(".recording*")


def test_n_learns_the_neutral_face_and_f_forgets_it(session, tmp_path, clip):
    window = session("--source", "in.avi", "--csv", "out.csv")

    def baseline():
        return [float(row["baseline"] or 0) for row in rows_of(tmp_path / "out.csv")]

    window.wait(lambda: len(baseline()) > 5, "row")
    assert set(baseline()) == {0}, "a video's faces are not learned without being asked for"
    window.press("space")
    time.sleep(0.5)
    before, paused = window.screen(), len(baseline())
    window.press("n")  # also in a paused video: the face is learned when it continues
    window.wait(lambda: differs(window.screen(), before) > 500, "note")
    window.press("space")
    window.wait(lambda: baseline()[-1] == 1, "baseline")
    learned = baseline().index(1)
    assert 24 <= learned - paused <= 35, "a second of 25 frames"
    plain = snapshot(window)
    window.press("f")
    window.wait(lambda: set(baseline()[-40:]) == {0}, "end of the baseline")
    assert differs(snapshot(window), plain) > 20
    window.press("n")
    window.wait(lambda: baseline()[-1] == 1, "second baseline")
    window.press("q")
    window.ends()


@pytest.mark.slow
def test_n_learns_the_face_of_a_picture_for_those_that_follow(session, tmp_path):
    (tmp_path / "photos").mkdir()
    photo = cv2.imread(str(ROOT / "samples/astronaut.jpg"))
    smaller = cv2.resize(photo, None, fx=0.5, fy=0.5)
    both = np.zeros((photo.shape[0], photo.shape[1] + smaller.shape[1], 3), np.uint8) + 90
    both[:, : photo.shape[1]] = photo
    both[: smaller.shape[0], photo.shape[1] :] = smaller[:, ::-1]
    for number, picture in enumerate([both, photo, np.full_like(photo, 90)]):
        cv2.imwrite(str(tmp_path / f"photos/{number}.png"), picture)
    window = session("--source", "photos", "--csv", "out.csv")
    for key in ("n", "space", "space"):
        before = window.screen()
        window.press(key)
        window.wait(lambda: differs(window.screen(), before) > 500, f"answer to {key}")  # noqa: B023
    window.press("n")  # no face to learn: nothing changes
    window.press("q")
    window.ends()
    rows = rows_of(tmp_path / "out.csv")
    assert [row["baseline"] for row in rows] == ["0.00", "0.00", "1.00"]
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    analyzer.learn_neutral([photo])
    (face,) = analyzer.analyze_image(photo)
    seen = [float(rows[-1][emotion]) for emotion in face.emotions]
    assert seen == pytest.approx(face.probabilities, abs=0.02), "of the larger face"


def test_a_picture_stays_until_space_and_then_comes_the_next(session, tmp_path):
    (tmp_path / "photos").mkdir()
    photo = cv2.imread(str(ROOT / "samples/astronaut.jpg"))
    for number, picture in enumerate([photo, photo[:, ::-1], photo]):
        cv2.imwrite(str(tmp_path / f"photos/{number}.png"), picture)
    window = session("--source", "photos")
    shown = []
    for _ in range(2):
        shown.append(snapshot(window))
        before = window.screen()
        window.press("space")
        window.wait(lambda: differs(window.screen(), before) > 50_000, "next picture")  # noqa: B023
    shown.append(snapshot(window))
    window.press("space")
    time.sleep(0.5)
    assert window.process.poll() is None, "space on the last picture does not quit"
    window.press("q")
    assert (shown[0] == shown[2]).all() and (shown[0] != shown[1]).mean() > 0.5
    assert window.ends().startswith("3 pictures, 3 faces")


@pytest.mark.slow
def test_a_picture_says_what_space_and_q_do(session, tmp_path):
    """The note has light letters. The last picture has a shorter note."""
    (tmp_path / "photos").mkdir()
    photo = np.full((480, 640, 3), 60, np.uint8)
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"photos/{number}.png"), photo + 80 * number)
    window = session("--source", "photos")

    def letters():
        return (window.screen() > 200).all(axis=2).sum()

    window.wait(lambda: letters() > 300, "note")
    first = letters()
    window.press("space")
    window.wait(lambda: letters() < first - 100, "shorter note")
    window.press("q")
    window.ends()


def test_a_picture_larger_than_the_screen_fits_on_it(session, tmp_path):
    picture = cv2.resize(cv2.imread(str(ROOT / "samples/astronaut.jpg")), (1600, 1200))
    cv2.imwrite(str(tmp_path / "phone.jpg"), picture)
    window = session("--source", "phone.jpg")

    window.wait(lambda: window.place()[2] > 900, "large window")
    time.sleep(0.5)
    x, y, width, height = window.place()
    assert (width, height) == (960, 720) and x >= 0 and y >= 0
    assert x + width <= 1280 and y + height <= 1024
    window.press("q")
    window.ends()


@pytest.mark.slow
def test_frames_are_shown_at_their_times(session, tmp_path):
    """A GIF has four pictures. The second stays for two seconds."""
    colors = ("gray", "white", "black", "gray")
    pictures = [Image.new("RGB", (64, 48), color) for color in colors]
    durations = [100, 2000, 100, 100]
    pictures[0].save(
        tmp_path / "in.gif", save_all=True, append_images=pictures[1:], duration=durations
    )
    window = session("--source", "in.gif")
    time.sleep(3)
    window.press("q")
    rate = float(window.ends().split(" frames/s")[0].split()[-1])
    assert 0.6 < rate < 1.5, "three in 2.1 seconds"


def test_a_desktop_that_asks_qt_for_wayland_has_a_window_too(session, clip):
    window = session("--source", "in.avi", QT_QPA_PLATFORM="wayland")
    window.press("q")
    assert "no window" not in window.ends()
