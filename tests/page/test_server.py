"""Who may see the page, and what it takes from a browser."""

import http.client

import cv2
import numpy as np
import pytest

pytest.importorskip("aiohttp", reason="needs aiohttp")

from common.errors import UserError
from page.camera import decode, pixels_of
from page.server import Server


@pytest.fixture
def server():
    server = Server("127.0.0.1", 0, {"emotions": ["anger", "joy"]})
    yield server
    server.close()


def ask(server, path, **headers):
    """Return status and headers of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    return reply.status, dict(reply.getheaders())


@pytest.mark.parametrize("path", ["/", "/page.js", "/style.css", "/socket", "/../server.py", "/x"])
def test_without_the_key_there_is_nothing(server, path):
    for query in ("", "?key=", "?key=wrong", f"?key={server.key}x"):
        assert ask(server, path + query)[0] == 403


def test_with_the_key_there_is_the_page_and_its_files(server):
    status, headers = ask(server, f"/?key={server.key}")
    assert status == 200 and "default-src 'self'" in headers["Content-Security-Policy"]
    cookie = headers["Set-Cookie"].split(";")[0]
    assert ask(server, "/page.js", Cookie=cookie)[0] == 200
    assert ask(server, "/server.py", Cookie=cookie)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example"])
def test_another_name_of_this_machine_is_refused(server, host):
    """A page of someone else's may lead its own name here."""
    path = f"/?key={server.key}"
    assert ask(server, path, Host=host.format(port=server.port))[0] == 403
    for ours in (f"localhost:{server.port}", "localhost:9000", "192.168.1.2", "[::1]:8000"):
        assert ask(server, path, Host=ours)[0] == 200, "another port is that of ssh -L"


def test_another_pages_requests_are_refused(server):
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{server.port + 1}"):
        assert ask(server, f"/socket?key={server.key}", Origin=origin)[0] == 403


def test_a_port_that_is_taken_is_named(server):
    with pytest.raises(UserError, match=f"127.0.0.1:{server.port}: can't be served"):
        Server("127.0.0.1", server.port, [])


def test_a_picture_is_looked_at_before_it_is_decoded():
    jpeg = cv2.imencode(".jpg", np.full((480, 640, 3), 100, np.uint8))[1].tobytes()
    assert pixels_of(jpeg) == 640 * 480 and decode(jpeg).shape == (480, 640, 3)
    place = jpeg.index(b"\xff\xc0") + 5
    huge = jpeg[:place] + b"\xff\xff\xff\xff" + jpeg[place + 4 :]
    png = cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes()
    for data in (huge, png, b"", b"\xff\xd8", jpeg[:100], b"\xff\xd8" * 500):
        assert decode(data) is None
