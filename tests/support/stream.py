"""HTTP servers, and a camera that sends JPEGs over HTTP."""

import contextlib
import http.server
import ssl
import threading
import time

import cv2

from support.files import read_picture
from support.scripts import PICTURE


@contextlib.contextmanager
def serve(handler, certificate=None):
    """Run a server in a thread and yield its port. With a certificate and its key it uses HTTPS."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


class Stream(http.server.BaseHTTPRequestHandler):
    """A camera that sends JPEGs of the sample picture over HTTP.

    It sends `count` pictures, then nothing more.
    """

    count, pause = 10**9, 0.02

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        small = cv2.resize(read_picture(PICTURE), (320, 320))
        try:
            for number in range(self.count):
                small[:20] = number % 256  # shows the age of a frame
                data = cv2.imencode(".jpg", small)[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
                time.sleep(self.pause)
            time.sleep(60)
        except OSError:  # the reader has gone
            pass
