"""What the page shows of a viewer: its frame as JPEG, its faces and state as JSON."""

import queue
import time
import webbrowser

import cv2

from common.errors import UserError
from page.camera import BrowserSource
from page.server import Server
from webcam.display.viewer import Viewer
from webcam.sources.frame import Frame, Picture

PORT = 8000
EVERYWHERE = ("0.0.0.0", "::")
QUALITY = 80  # of the JPEGs
EVERY = 0.1  # seconds between two messages of the same frame
ABANDONED = 60.0  # seconds without a page, after one was open, that end the run


class PageScreen:
    """The screen of a viewer in the browser, and with `browser` that one's camera."""

    def __init__(self, server: Server, browser: bool):
        self.server = server
        self.camera = BrowserSource(server) if browser else None
        # Of the last message
        self.frame: Frame | Picture | None = None
        self.state: tuple[bool, bool] | None = None
        self.shown_at = 0.0
        self.seen: float | None = None  # when a page was last open, by time.monotonic()

    def show(self, viewer: Viewer) -> None:
        """Send the viewer's frame to all pages, if it, or what is said of it, is new."""
        now, frame = time.monotonic(), viewer.frame
        state = viewer.mirrored, viewer.paused
        same = frame is self.frame and state == self.state
        if same and now - self.shown_at < EVERY:
            return
        self.frame, self.state, self.shown_at = frame, state, now
        told: dict = {"paused": viewer.paused, "mirrored": viewer.mirrored}
        told |= {"note": viewer.current_note, "browser": bool(self.camera)}
        told["recording"] = bool(viewer.recorder and viewer.recorder.active)
        told["rate"] = round(viewer.summary.rate, 1)
        told["collects"] = viewer.collector.keys
        told["counts"] = dict(viewer.collector.counts)
        picture = None
        if frame is not None:
            height, width = frame.image.shape[:2]
            told |= {"width": width, "height": height}
            told["seconds"] = None if isinstance(frame, Picture) else frame.seconds
            faces = viewer.faces
            if viewer.mirrored:
                faces = [face.mirrored(width) for face in faces]
            told["faces"] = [face.as_dict() for face in faces]
            if not self.camera and self.server.clients:
                image = cv2.flip(frame.image, 1) if viewer.mirrored else frame.image
                options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
                picture = cv2.imencode(".jpg", image, options)[1].tobytes()
        self.server.publish(picture, told)

    def key(self, seconds: float) -> str:
        """Return the key pressed on a page within `seconds`, `q` if the last page was closed."""
        now = time.monotonic()
        if self.server.clients:
            self.seen = now
        if self.seen is not None and now - self.seen > ABANDONED:
            return "q"
        try:
            return (
                self.server.keys.get(timeout=seconds) if seconds else self.server.keys.get_nowait()
            )
        except queue.Empty:
            return ""

    def close(self) -> None:
        """End the server; open pages say so."""
        self.server.close()


def open_page(host: str, port: int, emotions: list[str], browser: bool) -> PageScreen:
    """Serve the page, print its address, and open it in a browser if there is one.

    Port 0 stands for PORT, or a free one where that is taken. Raises UserError.
    """
    server = serve(host, port, emotions)
    print(server.address, flush=True)
    if host in EVERYWHERE:
        print(
            "whoever has that address, with this machine's own in the place of 0.0.0.0, sees the camera"
        )
    webbrowser.open(server.address)
    return PageScreen(server, browser)


def serve(host: str, port: int, emotions: list[str]) -> Server:
    """Return a server at a port, at a free one if it is 0 and PORT is taken."""
    if port:
        return Server(host, port, emotions)
    try:
        return Server(host, PORT, emotions)
    except UserError:
        return Server(host, 0, emotions)
