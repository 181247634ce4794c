"""Access to the page, and the data that the server takes from a browser."""

import http.client
import socket

import cv2
import numpy as np
import pytest

pytest.importorskip("aiohttp", reason="needs aiohttp")

from common.errors import UserError
from page.camera import decode, pixels_of
from page.server import Message, Server


@pytest.fixture
def server():
    server = Server("127.0.0.1", 0, {"emotions": ["anger", "joy"]})
    yield server
    server.close()


def ask(server, path, **headers):
    """Return the status and the headers of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    return reply.status, dict(reply.getheaders())


@pytest.mark.parametrize(
    "path", ["/", "/static/page.js", "/static/x", "/socket", "/../server.py", "/x"]
)
def test_without_the_key_there_is_nothing(server, path):
    for query in ("", "?key=", "?key=wrong", f"?key={server.key}x"):
        assert ask(server, path + query)[0] == 403


def test_with_the_key_there_is_the_page_and_its_files(server):
    status, headers = ask(server, f"/?key={server.key}")
    assert status == 200 and "default-src 'self'" in headers["Content-Security-Policy"]
    cookie = headers["Set-Cookie"].split(";")[0]
    assert ask(server, "/static/page.js", Cookie=cookie)[0] == 200
    for path in ("/server.py", "/static/../server.py", "/static/%2e%2e/server.py", "/static/"):
        assert ask(server, path, Cookie=cookie)[0] in (403, 404)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example"])
def test_another_name_of_this_machine_is_refused(server, host):
    """A page of a stranger may point its own name at this machine."""
    path = f"/?key={server.key}"
    assert ask(server, path, Host=host.format(port=server.port))[0] == 403
    for ours in (f"localhost:{server.port}", "localhost:9000", "192.168.1.2", "[::1]:8000"):
        assert ask(server, path, Host=ours)[0] == 200, "another port is that of ssh -L"


def test_another_pages_requests_are_refused(server):
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{server.port + 1}"):
        assert ask(server, f"/socket?key={server.key}", Origin=origin)[0] == 403


@pytest.mark.parametrize("host", ["9" * 70, "a..b", "8.8.8.8", "nosuch.invalid"])
def test_a_host_that_cannot_be_served_is_named(host):
    with pytest.raises(UserError, match=r"can't serve the page here \(.+\); choose another"):
        Server(host, 0, {})


def test_strangers_can_neither_use_up_all_connections_nor_keep_some(server, monkeypatch):
    monkeypatch.setattr("page.server.STRANGER_SECONDS", 0.5)
    address = ("127.0.0.1", server.port)
    strangers = [socket.create_connection(address, timeout=10) for _ in range(300)]
    for stranger in strangers:
        assert stranger.recv(1) == b"", "it is closed"
    assert ask(server, f"/?key={server.key}")[0] == 200


def test_a_host_name_has_no_case(server, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "DESKTOP-AB12")
    other = Server("127.0.0.1", 0, {})
    assert ask(other, f"/?key={other.key}", Host="desktop-ab12:9000")[0] == 200
    other.close()


@pytest.mark.parametrize("shape", [(70_000, 2), (2, 70_000), (1, 1), (2000, 3000)])
def test_a_frame_of_any_shape_is_sent_in_a_size_that_a_browser_takes(shape):
    sent = decode(Message(None, np.full((*shape, 3), 200, np.uint8), {}).jpeg)
    assert max(sent.shape[:2]) == min(1280, max(shape)) and abs(int(sent.mean()) - 200) < 3


def test_a_picture_is_looked_at_before_it_is_decoded():
    jpeg = cv2.imencode(".jpg", np.full((480, 640, 3), 100, np.uint8))[1].tobytes()
    assert pixels_of(jpeg) == 640 * 480 and decode(jpeg).shape == (480, 640, 3)
    place = jpeg.index(b"\xff\xc0") + 5
    huge = jpeg[:place] + b"\xff\xff\xff\xff" + jpeg[place + 4 :]
    png = cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes()
    filled = jpeg[:2] + b"\xff" + jpeg[2:]
    assert pixels_of(filled) == 640 * 480
    for data in (
        huge,
        huge.replace(b"\xff\xc0", b"\xff\xff\xc9"),
        png,
        b"",
        b"\xff\xd8",
        jpeg[:100],
        b"\xff\xd8" * 500,
    ):
        assert decode(data) is None
