"""A window on the screen, its keys, and whether there is a screen."""

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

MAX_SIZE = 1280, 720  # pixels of a new window: fits the screen, whose size OpenCV does not tell


class Window:
    """A window on the screen."""

    TITLE = "Facial expressions (h: keys)"

    def __init__(self):
        cv2.namedWindow(
            self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        )
        self.sized = False

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *error: object) -> None:
        cv2.destroyAllWindows()

    @staticmethod
    def probe() -> subprocess.Popen:
        """Start a process that fails where no window can be opened: its status tells.

        Without a display OpenCV's window toolkit aborts the process that asks for a window, so
        another one asks.
        """
        choose_qt_platform()
        ask = [sys.executable, "-c", "import cv2; cv2.namedWindow('?')"]
        return subprocess.Popen(ask, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def show(self, frame: np.ndarray) -> None:
        """Show a frame; the first one gives the window its size."""
        if not self.sized:
            self.sized = True
            height, width = frame.shape[:2]
            scale = min(1, MAX_SIZE[0] / width, MAX_SIZE[1] / height)
            cv2.resizeWindow(
                self.TITLE, max(1, round(scale * width)), max(1, round(scale * height))
            )
            # The desktop has placed it while it was small: larger, it may reach beyond the screen
            cv2.moveWindow(self.TITLE, 20, 20)
        cv2.imshow(self.TITLE, frame)

    def key(self, seconds: float) -> str:
        """Return the key that is pressed within `seconds`, or "" for none.

        `q` when the window was closed.
        """
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            # Not longer: it does not notice closing
            code = cv2.waitKey(max(1, int(1000 * min(left, 0.05)))) & 0xFF
            try:
                if cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) < 1:
                    return "q"
            except cv2.error:  # Qt has ended with its last window
                return "q"
            if code != 0xFF or left <= 0.05:
                return "" if code == 0xFF else chr(code)


def choose_qt_platform() -> None:
    """Let Qt use the X server where QT_QPA_PLATFORM asks for what OpenCV's own Qt does not have.

    Desktops set it to wayland for all programs; OpenCV's wheel has the plugin for X alone, which a
    Wayland desktop serves too.
    """
    plugins = Path(cv2.__file__).parent / "qt/plugins/platforms"
    wanted = os.environ.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if wanted and plugins.is_dir() and not list(plugins.glob(f"libq{wanted}.*")):
        os.environ["QT_QPA_PLATFORM"] = "xcb"
