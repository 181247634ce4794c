"""The page without a browser: the terminal's output and keys, and programs that connect."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import cv2
import pytest
from support.scripts import PICTURE, ROOT, fails

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")
aiohttp = pytest.importorskip("aiohttp", reason="needs aiohttp")

from page.screen import PageScreen  # noqa: E402
from page.server import Client, Server  # noqa: E402


class Run:
    """A running realtime.py --page."""

    def __init__(self, folder, *arguments, stdin=subprocess.DEVNULL):
        command = [sys.executable, str(ROOT / "realtime.py"), "--page", *arguments]
        pipe, env = subprocess.PIPE, {**os.environ, "BROWSER": "true"}  # so that no browser opens
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=stdin, stdout=pipe, stderr=pipe, text=True
        )
        self.address = self.process.stdout.readline().strip()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?key=(\S{20,})", self.address)
        assert found, (self.address, self.process.poll())
        self.port, self.key = int(found[1]), found[2]

    @property
    def socket(self):
        return f"ws://127.0.0.1:{self.port}/socket?key={self.key}"

    def ends(self, status):
        said, error = self.process.communicate(timeout=20)
        assert self.process.returncode == status and error == "", error
        return said


@pytest.fixture
def run_page(tmp_path):
    running = []

    def begin(*arguments, **options):
        running.append(Run(tmp_path, *arguments, **options))
        return running[-1]

    yield begin
    for run in running:
        run.process.kill()
        run.process.communicate()


def converse(run, talk, compress=0):
    """Return the result of a coroutine that gets an open WebSocket and its first message."""

    async def go():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(run.socket, compress=compress) as opened,
        ):
            return await talk(opened, await opened.receive_json())

    return asyncio.run(go())


async def next_frame(opened, wanted):
    """Return the first message that fits, and the picture before it."""
    picture = None
    while True:
        message = await opened.receive(timeout=10)
        if message.type is aiohttp.WSMsgType.BINARY:
            picture = message.data
        else:
            told = json.loads(message.data)
            if wanted(told):
                return told, picture


def test_a_program_of_ones_own_gets_what_the_documentation_says(run_page):
    documented = (ROOT / "docs/page.md").read_text(encoding="utf-8")
    first, each = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", documented, re.S)]

    async def talk(opened, setup):
        assert setup.keys() == first.keys()
        assert setup["emotions"] == first["emotions"] and setup["colors"] == first["colors"]
        told, picture = await next_frame(opened, lambda told: told.get("faces"))
        assert told.keys() == each.keys()
        face = told["faces"][0]
        assert face.keys() == each["faces"][0].keys() and face["label"] in setup["emotions"]
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert picture[:2] == b"\xff\xd8"
        await opened.send_str("m")
        other, _ = await next_frame(opened, lambda told: told["mirrored"])
        assert other["width"] == told["width"]
        await opened.send_str("q")

    run = run_page("--source", "demo")
    converse(run, talk)
    assert "happiness" in run.ends(0)


def test_a_program_of_ones_own_sends_pictures(run_page):
    """Data that is no picture is ignored. A message that is too long ends the connection."""
    jpeg = cv2.imencode(".jpg", cv2.resize(cv2.imread(str(PICTURE)), (480, 480)))[1].tobytes()

    async def talk(opened, setup):
        assert setup["browser"]
        for data in (b"", b"\xff\xd8no picture", jpeg[:500], jpeg):
            await opened.send_bytes(data)
            await asyncio.sleep(0.2)
        told, picture = await next_frame(opened, lambda told: told.get("faces"))
        assert told["sender"] == setup["client"] and picture is None, "it has the picture"
        assert told["answers"] == 4, "of the four messages"
        assert told["faces"][0]["label"] == "happiness" and told["width"] == 480
        await opened.send_str("x" * 3_000_000)
        while (message := await opened.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        return told

    run = run_page("--source", "browser")
    # Compressed, as browsers do, the long message is sent at once. Otherwise the reset of the
    # connection could overtake the server's answer
    converse(run, talk, compress=15)
    converse(run, lambda opened, setup: opened.send_str("q" * 500))
    run.ends(0)


def test_who_says_ok_to_each_message_gets_the_newest_one(run_page):
    async def talk(opened, setup):
        first, _ = await next_frame(opened, lambda told: told.get("faces"))
        await opened.send_str("ok")
        await asyncio.sleep(1)
        before = [await opened.receive(timeout=10) for _ in range(2)]
        await asyncio.sleep(1)
        with pytest.raises(asyncio.TimeoutError):
            while True:  # messages from before the server knew
                await opened.receive(timeout=0.5)
        await opened.send_str("ok")
        told, _ = await next_frame(opened, lambda told: True)
        assert before and told["seconds"] > first["seconds"] + 1
        await opened.send_str("q")

    run = run_page("--source", "demo")
    converse(run, talk)
    run.ends(0)


def test_keys_without_end_do_no_harm(run_page):
    async def talk(opened, setup):
        for _ in range(5000):
            await opened.send_str("\N{GRINNING FACE}")
        await next_frame(opened, lambda told: told.get("faces"))

    run = run_page("--source", "demo")
    converse(run, talk)
    run.process.send_signal(signal.SIGINT)
    run.ends(130)


def test_what_is_no_http_leaves_no_trace(run_page):
    run = run_page("--source", "demo")
    for data in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\n" * 100_000,
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", run.port), timeout=10) as stranger:
            stranger.sendall(data)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(4096):
                pass
    converse(run, lambda opened, setup: next_frame(opened, lambda told: told.get("faces")))
    run.process.send_signal(signal.SIGINT)
    run.ends(130)


@pytest.mark.parametrize("typed, status", [(b"sq\n", 0), (b"\x03", 130)])
def test_q_and_ctrl_c_in_the_terminal_end_it(run_page, tmp_path, typed, status):
    ours, theirs = pty.openpty()

    def begin():  # a new session with its own terminal
        os.setsid()
        os.close(os.open(os.ttyname(theirs), os.O_RDWR))

    command = [sys.executable, str(ROOT / "realtime.py"), "--page"]
    env = {**os.environ, "BROWSER": "true"}
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=env,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=begin,
    )
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines[1] == "press q and Enter, or Ctrl-C, to quit\n"
    assert lines[2].startswith("showing the demo: camera 0: ")
    time.sleep(2)
    os.write(ours, typed)
    said, error = process.communicate(timeout=20)
    assert process.returncode == status and error == "" and "happiness" in said
    assert len(list(tmp_path.glob("snapshot-*.png"))) == typed.count(b"s")


def test_two_at_once_have_two_ports(run_page):
    assert len({run_page("--source", "demo").port for _ in range(2)}) == 2


def test_a_port_that_is_taken_is_named(run_page, tmp_path):
    port = str(run_page("--source", "demo").port)
    arguments = ["--source", "demo", "--page", port]
    fails("realtime.py", *arguments, cwd=tmp_path, says=[f"127.0.0.1:{port}", "in use", "--host"])


def test_everybody_is_warned_of(run_page, tmp_path):
    run = run_page("--source", "demo", "--host", "0.0.0.0")
    assert "can see the camera" in run.process.stdout.readline() + run.process.stdout.readline()


def test_a_page_that_is_closed_for_a_minute_ends_it(monkeypatch):
    """The test takes a hundredth of the time."""
    monkeypatch.setattr("page.screen.ABANDONED", 1.0)
    server = Server("127.0.0.1", 0, {})
    screen = PageScreen(server, browser=False)
    assert [screen.key(0.3) for _ in range(3)] == [""] * 3, "before a page was open it waits"
    server.clients.add(Client(1))
    assert screen.key(0.7) == screen.key(0.7) == ""
    server.clients.clear()
    assert screen.key(0.7) == ""
    assert screen.key(0) == "q"
    server.close()


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--page", "--headless"], "--page: can't be combined with --headless"),
        (["--source", "browser"], "--source browser: uses the camera of the page"),
        (["--host", "0.0.0.0"], "--host: only applies to the page"),
        (
            ["--page", "--source", "browser", "--size", "640x480"],
            "--size: only applies to a camera",
        ),
        (["--page", "--host", ""], "--host: no address"),
        (["--page", "99999"], "--page 99999: give a port"),
        (["--page", "--source", "browser", "0"], "only one camera per run"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, arguments, says):
    fails("realtime.py", *arguments, cwd=tmp_path, says=[says])


def test_without_aiohttp_it_says_what_to_install(tmp_path):
    code = f"""
import runpy, sys
sys.modules["aiohttp"] = None
sys.path.insert(0, {str(ROOT)!r})
sys.argv = ["realtime.py", "--page"]
runpy.run_path({str(ROOT / "realtime.py")!r}, run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "`pip install -r requirements-page.txt`" in done.stderr
