"""The page as the screen of a viewer: its frame, its faces and its state."""

import argparse
import os
import queue
import sys
import threading
import time
import webbrowser

from common.errors import UserError
from page.camera import BrowserSource
from page.server import Message, Server
from webcam.display.style import PALETTE, UNSURE
from webcam.display.viewer import Viewer
from webcam.sources.frame import Frame, Picture

PORT = 8000
EVERYWHERE = ("0.0.0.0", "::")
REPEATED = 0.1  # seconds between two messages of the same frame
ABANDONED = 60.0  # seconds without a page, after one was open, that end the run


class PageScreen:
    """The screen of a viewer in the browser, and with `browser` that one's camera."""

    def __init__(self, server: Server, browser: bool):
        self.server = server
        self.camera = BrowserSource(server) if browser else None
        self.frame: Frame | Picture | None = None  # of the last message
        self.shown_at = 0.0
        self.seen: float | None = None  # when a page was last open, by time.monotonic()

    def show(self, viewer: Viewer) -> None:
        """Send the viewer's frame and state to all pages, a frame again every REPEATED seconds."""
        now, frame = time.monotonic(), viewer.frame
        if frame is self.frame and now - self.shown_at < REPEATED:
            return
        self.frame, self.shown_at = frame, now
        if self.server.clients:
            image = None if frame is None else frame.image
            self.server.publish(Message(image, tell(viewer, self.server)))

    def key(self, seconds: float) -> str:
        """Return the key pressed on a page within `seconds`, `q` if the last page was closed."""
        now = time.monotonic()
        if self.server.clients:
            self.seen = now
        if self.seen is not None and now - self.seen > ABANDONED:
            print(f"no page was open for {ABANDONED:.0f} seconds")
            return "q"
        try:
            return self.server.keys.get(seconds > 0, seconds)
        except queue.Empty:
            return ""

    def close(self) -> None:
        """End the server; open pages say so."""
        self.server.close()


def tell(viewer: Viewer, server: Server) -> dict:
    """Return what pages are told of a viewer, as docs/page.md has it."""
    told = {
        "paused": viewer.paused,
        "mirrored": viewer.mirrored,
        "recording": bool(viewer.recorder and viewer.recorder.active),
        "ended": viewer.ended,
        "rate": round(viewer.summary.rate, 1),
        "note": viewer.current_note,
        "collects": viewer.collector.keys,
        "counts": dict(viewer.collector.counts),
        "sender": server.sender.number if server.sender else None,
    }
    frame = viewer.frame
    if frame is not None:
        height, width = frame.image.shape[:2]
        faces = viewer.faces
        if viewer.mirrored:
            faces = [face.mirrored(width) for face in faces]
        told |= {"width": width, "height": height, "faces": [face.as_dict() for face in faces]}
        told["seconds"] = round(frame.seconds, 3) if isinstance(frame, Frame) else None
    return told


def open_page(args: argparse.Namespace, emotions: list[str]) -> PageScreen:
    """Serve the page, print its address, and open it in a browser if there is one.

    Takes the options page, host, source, rotate and mirror. Raises UserError.
    """
    browser = args.source == ["browser"]
    setup: dict = {"emotions": emotions, "colors": [f"#{color}" for color in PALETTE]}
    setup |= {"unsure": UNSURE, "browser": browser, "turn": args.rotate}
    server = serve(args.host, args.page, setup | {"mirror": args.mirror is not False})
    everywhere = args.host in EVERYWHERE
    host = "127.0.0.1" if everywhere else args.host
    host = f"[{host}]" if ":" in host else host
    address = f"http://{host}:{server.port}/?key={server.key}"
    print(address)
    if everywhere:
        print("other machines put this one's name or address in the place of 127.0.0.1")
        print("whoever has that address sees the camera")
    if sys.stdin.isatty():
        print("q and Enter, or Ctrl-C, ends it")
        threading.Thread(target=listen, args=[server], daemon=True).start()
    sys.stdout.flush()
    # Without a display there may be one that runs in the terminal, and would fill it
    if sys.platform in ("win32", "darwin") or any(
        map(os.environ.get, ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
    ):
        webbrowser.open(address)
    return PageScreen(server, browser)


def serve(host: str, port: int, setup: dict) -> Server:
    """Return a server at a port; 0 stands for PORT, or a free one where that is taken."""
    try:
        return Server(host, port or PORT, setup)
    except UserError:
        if port:
            raise
        return Server(host, 0, setup)


def listen(server: Server) -> None:
    """Take the keys that are typed in the terminal, at each Enter."""
    # Not sys.stdin: Python can't end while a thread reads that
    while typed := os.read(0, 100):
        for key in typed.decode(errors="replace").strip("\r\n"):
            server.press(key)
