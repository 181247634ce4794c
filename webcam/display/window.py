"""A window on the screen, its keys, and whether there is a screen."""

import ctypes
import ctypes.util
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

SHARE_OF_SCREEN = 0.9  # for a window; the rest is for its frame and the desktop's bars


class Window:
    """A window on the screen."""

    TITLE = "Facial expressions (h: keys)"

    def __init__(self):
        cv2.namedWindow(
            self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        )
        self.size = None

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
        """Show a frame; the first one gives the window its size, at most that of the screen."""
        if self.size is None:
            width, height = frame.shape[1::-1]
            screen = screen_size()
            scale = min(
                1, *(SHARE_OF_SCREEN * side / of for side, of in zip(screen, (width, height)))
            )
            self.size = max(1, round(scale * width)), max(1, round(scale * height))
            cv2.resizeWindow(self.TITLE, *self.size)
            if max(size / side for size, side in zip(self.size, screen)) > 0.5:
                # The desktop has placed it while it was small. What is much wider than high are two
                # screens beside each other
                first = min(screen[0], 16 / 9 * screen[1]), screen[1]
                place = [max(0, int(side - size) // 2) for side, size in zip(first, self.size)]
                cv2.moveWindow(self.TITLE, *place)
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


def screen_size() -> tuple[int, int]:
    """Return the width and height of the screen, in pixels; OpenCV can't tell.

    Where the system does not say, those of a small laptop.
    """
    try:
        if sys.platform == "win32":
            metrics = ctypes.windll.user32.GetSystemMetrics
            return metrics(0), metrics(1)
        if sys.platform == "darwin":
            graphics = ctypes.CDLL(ctypes.util.find_library("CoreGraphics"))
            display = graphics.CGMainDisplayID()
            return graphics.CGDisplayPixelsWide(display), graphics.CGDisplayPixelsHigh(display)
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        display = ctypes.c_void_p(x11.XOpenDisplay(None))
        if display:
            size = x11.XDisplayWidth(display, 0), x11.XDisplayHeight(display, 0)
            x11.XCloseDisplay(display)
            return size
    except (OSError, AttributeError):
        pass
    return 1280, 720
