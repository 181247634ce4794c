"""The page in a real browser."""

import os
import shutil
import subprocess
import sys
import time

import cv2
import pytest
from support.files import frames_of
from support.scripts import PICTURE, ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
pytest.importorskip("aiohttp", reason="needs aiohttp")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium"),
    pytest.mark.xdist_group("page"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium with a camera that sees the sample face."""
    camera = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    picture = cv2.resize(cv2.imread(str(PICTURE))[:384], (640, 480))
    camera.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes() * 20)
    options = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    options += [f"--use-file-for-fake-video-capture={camera}"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def serve(tmp_path):
    """Start realtime.py --page, and return its process and address."""
    running = []

    def begin(*arguments):
        command = [sys.executable, str(ROOT / "realtime.py"), "--page", *arguments]
        env = {**os.environ, "BROWSER": "true"}  # that none is opened
        process = subprocess.Popen(
            command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout
        return process, process.stdout.readline().strip()

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def page(browser):
    """An empty tab; what goes wrong in it fails the test."""
    context = browser.new_context()
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def shows_happiness(page):
    page.wait_for_function(
        "document.querySelector('.face .name')?.textContent === 'happiness'", timeout=10_000
    )


@pytest.mark.parametrize("source", ["demo", "browser"])
def test_the_page_names_a_face(serve, page, source):
    process, address = serve("--source", source)
    page.goto(address)
    if source == "browser":
        page.click("#camera")
    shows_happiness(page)
    colors = page.evaluate(
        "[...document.querySelector('#picture').getContext('2d').getImageData(0, 0, 960, 720).data]"
        ".reduce((seen, value) => seen.add(value), new Set()).size"
    )
    assert colors > 50, "a picture"


def test_buttons_do_what_the_keys_do(serve, page, tmp_path):
    process, address = serve("--source", "demo")
    page.goto(address)
    shows_happiness(page)
    page.click("text=Pause")
    page.wait_for_selector("text=Go on")
    page.click("text=Go on")
    page.click("text=Mirror")
    page.wait_for_selector("#mirror.on")
    page.click("text=Snapshot")
    page.wait_for_function("document.querySelector('#note').textContent.startsWith('wrote snap')")
    page.click("text=Record")
    page.wait_for_selector("#record.on")
    time.sleep(1)
    page.click("text=Stop recording")
    page.wait_for_function("document.querySelector('#note').textContent.startsWith('wrote rec')")
    page.click("text=Quit")
    page.wait_for_selector("#status.lost")
    assert process.wait(10) == 0
    (snapshot,), (recording,) = tmp_path.glob("snapshot-*.png"), tmp_path.glob("recording-*.mkv")
    assert cv2.imread(str(snapshot)).shape == (480, 640, 3) and len(frames_of(recording)) > 5


def test_two_tabs_and_a_reload(serve, browser, page):
    process, address = serve("--source", "demo")
    other = browser.new_context().new_page()
    for tab in (page, other):
        tab.goto(address)
        shows_happiness(tab)
    page.reload()
    shows_happiness(page)
    other.context.close()


def test_the_end_of_the_server_is_told(serve, page):
    process, address = serve("--source", "demo")
    page.goto(address)
    shows_happiness(page)
    process.terminate()
    page.wait_for_function("document.querySelector('#status').textContent.includes('has ended')")
