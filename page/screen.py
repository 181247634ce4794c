"""The page as the screen of a viewer: its frame, its faces and its state."""

import argparse
import contextlib
import ipaddress
import os
import queue
import signal
import sys
import time
import webbrowser

from common.errors import UserError
from common.stopping import start_thread
from page.camera import BrowserSource
from page.server import Message, Server
from webcam.display.style import COLORS, PALETTE, UNSURE, WHITE, on_color
from webcam.display.viewer import Viewer
from webcam.sources.frame import Frame, Picture

PORT = 8000
# Seconds between two messages: of different frames, and of the same one
LEAST, REPEATED = 0.025, 0.1
ABANDONED = 60.0  # seconds without a page that end the run, once a page was open


class PageScreen:
    """Shows a viewer on all open pages. With `browser`, `camera` is the browser's camera."""

    def __init__(self, server: Server, browser: bool):
        self.server = server
        self.camera = BrowserSource(server) if browser else None
        self.frame: Frame | Picture | None = None  # the frame of the last message
        self.shown_at = 0.0
        self.last_open: float | None = None  # when a page was last open, by time.perf_counter()

    def show(self, viewer: Viewer) -> None:
        """Send the viewer's frame and state to all pages, again every REPEATED seconds.

        Faster than LEAST it skips frames, but none of a browser's camera, which waits for answers.
        """
        now, frame = time.perf_counter(), viewer.frame
        pause = REPEATED if frame is self.frame else 0 if self.camera else LEAST
        if now - self.shown_at < pause:
            return
        self.frame, self.shown_at = frame, now
        if self.server.clients:
            # Sources reuse the arrays of their frames, so the message needs a copy
            image = None if frame is None else frame.image.copy()
            message = describe(viewer) | {"sender": self.server.sender}
            if self.camera:
                message["answers"] = self.camera.number
            self.server.publish(Message(frame, image, message))

    def key(self, seconds: float) -> str:
        """Return the key pressed within `seconds`, or `q` if no page is open for ABANDONED."""
        now = time.perf_counter()
        if self.server.clients:
            self.last_open = now
        if self.last_open is not None and now - self.last_open > ABANDONED:
            print(f"stopping: no page has been open for {ABANDONED:.0f} seconds")
            return "q"
        try:
            return self.server.keys.get(seconds > 0, seconds)
        except queue.Empty:
            return ""

    def close(self) -> None:
        """End the server. Open pages say so."""
        self.server.close()


def describe(viewer: Viewer) -> dict:
    """Return the message for a viewer's frame, as described in docs/page.md."""
    message = {
        "paused": viewer.paused,
        "mirrored": viewer.mirrored,
        "recording": bool(viewer.recorder and viewer.recorder.active),
        "ended": viewer.ended,
        "rate": round(viewer.summary.rate, 1),
        "note": viewer.current_note,
        "collects": viewer.collector.keys,
        "counts": dict(viewer.collector.counts),
    }
    frame = viewer.frame
    if frame is not None:
        height, width = frame.image.shape[:2]
        faces = viewer.faces
        if viewer.mirrored:
            faces = [face.mirrored(width) for face in faces]
        message |= {"width": width, "height": height, "faces": [face.as_dict() for face in faces]}
        message["seconds"] = round(frame.seconds, 3) if isinstance(frame, Frame) else None
    return message


def open_page(args: argparse.Namespace, emotions: list[str]) -> PageScreen:
    """Serve the page, print its address, and open it in a browser if there is one.

    Takes the options page, host, source, rotate and mirror. Raises UserError.
    """
    browser = args.source == ["browser"]
    setup: dict = {"emotions": emotions, "colors": [f"#{color}" for color in PALETTE]}
    setup["inks"] = ["white" if on_color(color) == WHITE else "black" for color in COLORS]
    setup |= {"unsure": UNSURE, "browser": browser, "turn": args.rotate}
    server = serve(args.host, args.page, setup | {"mirror": args.mirror is not False})
    bound = ipaddress.ip_address(server.address)
    local = "127.0.0.1" if bound.version == 4 else "::1"
    host = local if bound.is_unspecified else args.host
    address = f"http://{f'[{host}]' if ':' in host else host}:{server.port}/?key={server.key}"
    print(address)
    if bound.is_unspecified:
        print(f"on other machines, replace {local} with this machine's address")
    if not bound.is_loopback:
        print("anyone with this address can see the camera")
    if sys.stdin.isatty():
        print("press q and Enter, or Ctrl-C, to quit")
        if hasattr(signal, "SIGTTIN"):  # a program in the background does not read the terminal
            signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        start_thread(listen, server)
    sys.stdout.flush()
    # Without a display, the only browser may be one that fills the terminal
    if sys.platform in ("win32", "darwin") or any(
        map(os.environ.get, ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
    ):
        webbrowser.open(address)
    return PageScreen(server, browser)


def serve(host: str, port: int, setup: dict) -> Server:
    """Return a server at a port. 0 means PORT, or a free port if PORT is taken."""
    try:
        return Server(host, port or PORT, setup)
    except UserError:
        if port:
            raise
        return Server(host, 0, setup)


def listen(server: Server) -> None:
    """Queue the keys typed in the terminal, at each Enter, until the terminal closes."""
    with contextlib.suppress(OSError):
        # Python can't exit while a thread reads sys.stdin, so this reads the file descriptor
        while typed := os.read(0, 100):
            for key in typed.decode(errors="replace").strip("\r\n"):
                server.press(key)
