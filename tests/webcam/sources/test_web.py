"""Addresses: the files there, and the secrets that no message may show."""

import base64
import contextlib
import functools
import http.server
import os
import shutil
import subprocess

import pytest
from support.files import make_video, rows_of
from support.scripts import PICTURE, fails, needs_ffmpeg, run
from support.stream import serve
from test_video import STILL, ffmpeg

from webcam.sources.capture import open_capture
from webcam.sources.names import without_secrets

SECRETS = {
    "rtsp://user:password@host/live": "rtsp://host/live",
    "http://user:p@ss@host:8080/a": "http://host:8080/a",
    "http://user:pass/word@host/live": "http://host/live",
    "http://user:12/3@host/live": "http://host/live",
    "rtsp://[fe80::1]:554/live": "rtsp://[fe80::1]:554/live",
    "http://host/cam.mjpg?user=me&password=secret": "http://host/cam.mjpg",
    "clip@home?.mp4": "clip@home?.mp4",
    "C:\\Users\\me@work\\clip.mp4": "C:\\Users\\me@work\\clip.mp4",
}


@pytest.mark.parametrize("address", SECRETS)
def test_user_password_and_query_are_left_out(address):
    assert without_secrets(address) == SECRETS[address]


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, notes the requested paths, and asks for a password if there is one."""

    asked, password, sized = [], None, True

    def log_message(self, *arguments):
        pass

    def end_headers(self):
        if not self.sized:
            self._headers_buffer = [
                line for line in self._headers_buffer if b"Content-Length" not in line
            ]
        super().end_headers()

    def do_GET(self):
        self.asked.append(self.path)
        given = self.headers.get("Authorization", "")
        if self.password and given != f"Basic {self.password}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture
def web(tmp_path, request):
    """Serve the folder web/. Yield the address and the list of requested paths."""
    (tmp_path / "web").mkdir()
    options = {"asked": [], **getattr(request, "param", {})}
    handler = functools.partial(type("Handler", (Files,), options), directory=tmp_path / "web")
    with serve(handler) as port:
        yield f"127.0.0.1:{port}", options["asked"]


@needs_ffmpeg
@pytest.mark.parametrize("web", [{"sized": True}, {"sized": False}], indirect=True)
def test_a_recording_without_a_length_is_read_once(tmp_path, web):
    address, asked = web
    live = ["-c:v", "libvpx", "-deadline", "realtime", "-live", "1", "-f", "webm"]
    ffmpeg(*STILL, "-t", "1", "-r", "20", *live, "web/in.webm", cwd=tmp_path)
    arguments = ["--source", f"http://{address}/in.webm", "--headless", "--csv", "out.csv"]
    assert "20 frames, 20 faces" in run("realtime.py", *arguments, cwd=tmp_path).stdout
    assert list(rows_of(tmp_path / "out.csv")[0])[-1] != "clock", "no camera"
    assert len(asked) <= 3


@pytest.mark.parametrize(
    "web", [{}, {"password": base64.b64encode(b"me:s/cret").decode()}], indirect=True
)
def test_a_picture_at_an_address_is_a_picture(tmp_path, web):
    address, _ = web
    shutil.copy(PICTURE, tmp_path / "web/my photo.jpg")
    source = f"http://me:s%2Fcret@{address}/my%20photo.jpg?size=large"
    arguments = ["--source", source, "--headless", "--output", "out.png"]
    assert "1 picture, 1 face: happiness" in run("realtime.py", *arguments, cwd=tmp_path).stdout


def test_what_is_no_picture_at_an_address_is_told_without_the_password(tmp_path, web):
    address, _ = web
    (tmp_path / "web/photo.jpg").write_text("no picture")
    source = f"http://me:secret@{address}/photo.jpg?key=secret"
    error = fails("realtime.py", "--source", source, "--headless", cwd=tmp_path, says="picture")
    assert f"http://{address}/photo.jpg" in error and "secret" not in error


def test_an_address_beside_other_sources_is_refused(tmp_path):
    given = ["--source", PICTURE, "http://me:secret@host/photo.jpg?key=secret", "--headless"]
    error = fails("realtime.py", *given, cwd=tmp_path, says="make it the only --source")
    assert "http://host/photo.jpg" in error and "secret" not in error


@pytest.mark.parametrize("scheme", ["rtsp", "http", "rtmp"])
def test_a_stream_that_does_not_answer_is_told_without_the_password(tmp_path, scheme):
    source = f"{scheme}://me:secret@127.0.0.1:9/live?key=secret"
    error = fails(
        "realtime.py",
        "--source",
        source,
        "--headless",
        cwd=tmp_path,
        says="no stream or video found there",
    )
    assert f"{scheme}://127.0.0.1:9/live" in error and "secret" not in error


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends a picture that never ends."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        with contextlib.suppress(OSError):  # the reader has closed the connection
            while True:
                self.wfile.write(bytes(2**20))


def test_a_picture_without_end_is_refused(tmp_path):
    says = ["picture.png: larger than 268,435,456 bytes", "download it yourself"]
    with serve(Endless) as port:
        address = f"http://127.0.0.1:{port}/picture.png"
        fails("realtime.py", "--source", address, "--headless", cwd=tmp_path, says=says)


@pytest.fixture
def certificate(tmp_path):
    """Return a file with a certificate for localhost that nobody trusts, and its key."""
    path = tmp_path / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    both = ["-keyout", tmp_path / "key.pem", "-out", path]
    subprocess.run([*command, *both], check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "key.pem").read_text())
    return path


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_a_server_whose_certificate_is_not_trusted_gets_nothing(tmp_path, certificate):
    """Neither Python nor FFmpeg asks it for anything. By default, FFmpeg accepts any certificate."""
    make_video(tmp_path / "web.avi", frames=10)
    asked: list = []
    handler = functools.partial(type("Handler", (Files,), {"asked": asked}), directory=tmp_path)
    with serve(handler, certificate) as port:
        address = f"https://me:secret@localhost:{port}/web.avi"
        arguments = ["--source", address, "--headless", "--csv", "out.csv"]
        says = [f"https://localhost:{port}/web.avi: its certificate is not trusted (self"]
        said = fails("realtime.py", *arguments, cwd=tmp_path, says=says)
        assert asked == [] and "secret" not in said
        assert not open_capture(address).isOpened() and asked == []
        env = {**os.environ, "SSL_CERT_FILE": str(certificate)}
        env.pop("OPENCV_FFMPEG_CAPTURE_OPTIONS", None)
        said = run("realtime.py", *arguments, cwd=tmp_path, env=env).stdout
    assert said.startswith("10 frames, 10 faces") and asked
