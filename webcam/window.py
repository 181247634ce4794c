"""A window on the screen, its keys, and whether there is a screen."""

import subprocess
import sys
import time

import cv2
import numpy as np


class Window:
    """A window on the screen."""

    TITLE = "Facial expressions (h: keys)"

    def __init__(self):
        cv2.namedWindow(
            self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        )
        self.size, self.due = None, 0.0

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
        ask = [sys.executable, "-c", "import cv2; cv2.namedWindow('?')"]
        return subprocess.Popen(ask, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def show(self, frame: np.ndarray) -> None:
        if self.size is None:
            self.size = frame.shape[1::-1]
            cv2.resizeWindow(self.TITLE, *self.size)
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

    def pace(self, frame_seconds: float) -> float:
        """Return the seconds to wait so that a file plays at its own rate, no frame left out."""
        now = time.monotonic()
        self.due = max(self.due + frame_seconds, now) if self.due else now
        return self.due - now
