"""A window on the screen, its keys, and a check whether a window can open."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from webcam.display.layout import Layout
from webcam.display.notes import draw_notes
from webcam.display.viewer import Viewer

MIN_WIDTH, MIN_HEIGHT, MAX_SIDE = 480, 360, 1920  # pixels for the help, and at most
MAX_WIDTH, MAX_HEIGHT = 1280, 720  # pixels of a new window: OpenCV does not know the screen's size


class Window:
    """A window on the screen."""

    TITLE = "Facial expressions (h: keys)"

    def __init__(self):
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        cv2.namedWindow(self.TITLE, flags)
        self.sized = False
        self.corner: int | None = None  # the corner of the notes

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *error: object) -> None:
        cv2.destroyAllWindows()

    @staticmethod
    def probe() -> subprocess.Popen:
        """Start a process that fails if no window can be opened.

        Without a display, OpenCV's window toolkit aborts the process that opens a window.
        """
        choose_qt_platform()
        ask = [sys.executable, "-c", "import cv2; cv2.namedWindow('?')"]
        return subprocess.Popen(
            ask, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, errors="replace"
        )

    @staticmethod
    def why_not(probe: subprocess.Popen) -> str:
        """Wait for a probe and return why no window can open, or "" if one can."""
        said = probe.communicate()[1]
        if not probe.returncode:
            return ""
        if "not implemented" in said:
            return "opencv-python-headless has no windows"
        if "connect to display" not in said and "Qt platform plugin" in said:
            return "a library is missing: `apt-get install libsm6`"
        return "no display"

    def show(self, viewer: Viewer) -> None:
        """Show a viewer's frame with its faces, and lines of text that cover no face."""
        if viewer.frame is None:
            image = np.zeros((480, 640, 3), np.uint8)
            layout = Layout(image.shape[:2], [])
        else:
            drawn, layout = viewer.annotator.draw(viewer.frame, viewer.faces, viewer.mirrored)
            image, layout = enlarge(drawn, layout)
        self.corner = draw_notes(image, viewer.lines, layout, self.corner)
        self.show_image(image)

    def show_image(self, frame: np.ndarray) -> None:
        """Show an image. The first image sets the size of the window."""
        if not self.sized:
            self.sized = True
            height, width = frame.shape[:2]
            scale = min(1, MAX_WIDTH / width, MAX_HEIGHT / height)
            size = [max(1, round(scale * side)) for side in (width, height)]
            cv2.resizeWindow(self.TITLE, *size)
            # The desktop placed the window while it was small. A large window may reach beyond the
            # screen
            cv2.moveWindow(self.TITLE, 20, 20)
        cv2.imshow(self.TITLE, frame)

    def key(self, seconds: float) -> str:
        """Return the key pressed within `seconds`, or "". A closed window returns `q`."""
        until = time.perf_counter() + seconds
        while True:
            left = until - time.perf_counter()
            # waitKey does not notice that the window closes, so each wait is short
            code = cv2.waitKey(max(1, int(1000 * min(left, 0.05)))) & 0xFF
            try:
                visible = cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) >= 1
                # On macOS a minimized window is not visible, and none can be closed
                if not visible and sys.platform != "darwin":
                    return "q"
            except cv2.error:  # Qt ends with its last window
                return "q"
            if code != 0xFF or left <= 0.05:
                return "" if code == 0xFF else chr(code)


def choose_qt_platform() -> None:
    """Let Qt use the X server if OpenCV's own Qt lacks the plugin that QT_QPA_PLATFORM names.

    Desktops set the variable to wayland, but they also serve X. OpenCV's wheel has only the plugin
    for X.
    """
    plugins = Path(cv2.__file__).parent / "qt/plugins/platforms"
    wanted = os.environ.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if wanted and plugins.is_dir() and not list(plugins.glob(f"libq{wanted}.*")):
        os.environ["QT_QPA_PLATFORM"] = "xcb"


def enlarge(image: np.ndarray, layout: Layout) -> tuple[np.ndarray, Layout]:
    """Return a BGR copy of a frame and its layout, several times as large if notes would not fit."""
    height, width = image.shape[:2]
    times = max(1, math.ceil(MIN_WIDTH / width), math.ceil(MIN_HEIGHT / height))
    if max(height, width) * times > MAX_SIDE:  # for a long and narrow image
        times = 1
    larger = image.copy() if times == 1 else cv2.resize(image, None, fx=times, fy=times)
    return larger, layout.enlarged(times)
