"""The page in a real browser."""

import os
import shutil
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from support.files import frames_of, make_video
from support.scripts import PICTURE, ROOT, slow

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
pytest.importorskip("aiohttp", reason="needs aiohttp")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium"),
    pytest.mark.xdist_group("page"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Return Chromium with a camera that sees the sample face."""
    camera = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    picture = cv2.resize(cv2.imread(str(PICTURE))[:384], (640, 480))
    camera.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes() * 20)
    options = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
    ]
    options += [f"--use-file-for-fake-video-capture={camera}"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts realtime.py --page, and returns its process and address."""
    running = []

    def begin(*arguments):
        command = [sys.executable, str(ROOT / "realtime.py"), "--page", *arguments]
        env = {**os.environ, "BROWSER": "true"}  # so that no browser opens
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout
        return process, process.stdout.readline().strip()

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def tab(browser):
    """Return a function that opens an address in a tab. An error in a tab fails the test."""
    contexts, errors = [], []

    def open_tab(address, script=""):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.add_init_script(script)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert not errors


def shows_happiness(page):
    happy = page.locator(".face .label", has_text="happiness").first
    playwright.expect(happy).to_be_visible(timeout=10_000)


def says(page, place, text):
    playwright.expect(page.locator(place)).to_contain_text(text, timeout=10_000)


def is_pressed(page, button, pressed=True):
    wanted = str(pressed).lower()
    playwright.expect(page.locator(button)).to_have_attribute("aria-pressed", wanted)


def shot(page):
    """Return the canvas with the picture, BGR."""
    png = page.locator("#picture").screenshot()
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def has_box(image):
    """Return whether an image has happiness's yellow, #f0e442, in many pixels."""
    return (np.abs(image.astype(int) - (0x42, 0xE4, 0xF0)).max(axis=2) < 12).sum() > 500


def test_buttons_do_what_the_keys_do(serve, tab, tmp_path):
    process, address = serve("--source", "demo")
    page = tab(address)
    shows_happiness(page)
    assert has_box(shot(page))
    page.click("text=Pause")
    says(page, "#pause", "Resume")
    still = shot(page)
    time.sleep(0.5)
    assert (shot(page) == still).all(), "the picture stands still"
    page.click("text=Mirror")
    is_pressed(page, "#mirror")
    page.click("text=Resume")
    page.click("text=Snapshot")
    says(page, "#note", "wrote snapshot-")
    page.click("text=Record")
    is_pressed(page, "#record")
    time.sleep(1)
    page.click("text=Stop recording")
    says(page, "#note", "wrote recording-")
    page.click("summary")
    page.click("text=happiness 0")
    says(page, "#collect", "happiness 1")
    page.click("text=Quit")
    says(page, "#status", "has ended")
    assert process.wait(10) == 0
    (snapshot,), (recording,) = tmp_path.glob("snapshot-*.png"), tmp_path.glob("recording-*.mkv")
    assert cv2.imread(str(snapshot)).shape == (480, 640, 3) and len(frames_of(recording)) > 5
    assert len(list(tmp_path.glob("data/collected/happiness/*.png"))) == 1


def test_the_cameras_of_browsers(serve, tab):
    """The first camera counts.

    Another tab shows the same picture. If the first camera goes, the tab's own takes over.
    """
    _, address = serve("--source", "browser")
    first = tab(address)
    shows_happiness(first)
    assert has_box(shot(first))
    says(first, "#status", "ms behind")
    second = tab(address)
    shows_happiness(second)
    assert has_box(shot(second))
    assert "ms" not in second.locator("#status").text_content()
    first.reload()
    shows_happiness(first)
    second.close()
    shows_happiness(first)
    says(first, "#status", "ms behind")


@pytest.mark.parametrize("options", [["--rotate", "180"], slow(["--rotate", "90", "--no-mirror"])])
def test_a_turned_camera_of_the_browser_is_shown_as_it_is_seen(serve, tab, options):
    """The page turns and mirrors the picture.

    realtime.py turns the frame, and the boxes come from that frame.
    """
    _, address = serve("--source", "browser", "--no-mirror")
    upright = tab(address)
    shows_happiness(upright)
    _, address = serve("--source", "browser", *options)
    turned = tab(address)
    turned.wait_for_selector("text=no face in the picture")
    one, other = (cv2.GaussianBlur(shot(page), (0, 0), 8) for page in (upright, turned))
    # 180 degrees and mirrored: upside down
    one = one[::-1] if "180" in options else cv2.rotate(one, cv2.ROTATE_90_CLOCKWISE)
    one = cv2.resize(one, other.shape[1::-1]).astype(int)
    assert np.abs(one - other).mean() < 12 < np.abs(one[:, ::-1] - other).mean()


def test_a_camera_that_is_refused_or_goes_is_told(serve, browser, tab):
    _, address = serve("--source", "browser")
    page = tab(
        address, "navigator.mediaDevices.getUserMedia = async () => { throw new Error('none'); }"
    )
    says(page, "#note", "no camera: none")
    assert page.is_visible("#camera")
    second = tab(address, KEEP_TRACK)
    shows_happiness(second)
    shows_happiness(page)
    second.click("text=Snapshot")
    says(page, "#note", "wrote snapshot-")
    second.evaluate("track.onended()")
    says(second, "#note", "the camera was disconnected")


# Keeps the camera's track, so that a test can end it
KEEP_TRACK = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.track = stream.getVideoTracks()[0];
  return stream;
};
"""


@pytest.mark.slow
def test_of_several_videos_each_begins_its_own_strips(serve, tab, tmp_path):
    for name in ("a.avi", "b.avi"):
        make_video(tmp_path / name, frames=75)
    _, address = serve("--source", "a.avi", "b.avi")
    # Points of the strip outside its canvas
    page = tab(
        address,
        """
        window.beyond = 0;
        const lineTo = CanvasRenderingContext2D.prototype.lineTo;
        CanvasRenderingContext2D.prototype.lineTo = function (x, y) {
          window.beyond += x > this.canvas.width + 1;
          lineTo.call(this, x, y);
        };
        """,
    )
    shows_happiness(page)
    says(page, "#status", "the end")
    assert page.evaluate("window.beyond") == 0


@pytest.mark.slow
def test_the_end_is_told_and_a_new_beginning_needs_a_new_address(serve, tab):
    process, address = serve("--source", "demo")
    page = tab(address)
    shows_happiness(page)
    process.terminate()
    says(page, "#status", "has ended")
    process.wait(10)
    port = address.split(":")[2].split("/")[0]
    _, again = serve(port, "--source", "demo")
    assert f":{port}/" in again
    shows_happiness(tab(again))
    says(page, "#status", "has ended")


def test_pictures_wait_for_next(serve, tab):
    process, address = serve("--source", str(PICTURE), str(PICTURE))
    page = tab(address)
    shows_happiness(page)
    says(page, "#pause", "Next")
    page.keyboard.press(" ")
    page.keyboard.press("q")
    says(page, "#status", "has ended")
    assert process.stdout.read().count("2 pictures, 2 faces") == 1
