"""The camera of the browser, whose pictures come over the WebSocket."""

import queue
import time
from collections.abc import Iterator

import cv2
import numpy as np

from page.server import Server
from webcam.sources.camera import time_of_day
from webcam.sources.frame import Frame, Source, VideoInfo

MOST_PIXELS = 1920 * 1080
START_OF_FRAME = {0xC0, 0xC1, 0xC2}  # JPEG markers that tell the size


class BrowserSource(Source):
    """Frames from the first page that sends some."""

    info = VideoInfo(20.0, live=True)
    extra_column = "clock"

    def __init__(self, server: Server):
        super().__init__([])
        self.server = server

    def frames(self) -> Iterator[Frame | None]:
        """Yield each picture with its time; None, 20 times a second, while there is none."""
        start: float | None = None
        began = 0.0
        while True:
            try:
                image = decode(self.server.pictures.get(timeout=0.05))
            except queue.Empty:
                image = None
            if image is None:
                yield None
                continue
            now = time.monotonic()
            if start is None:
                start, began = now, time.time()
            yield Frame(image, now - start, time_of_day(began + now - start))


def decode(jpeg: bytes) -> np.ndarray | None:
    """Return a JPEG's picture, BGR; None for what is none or has more than MOST_PIXELS."""
    if not 0 < pixels_of(jpeg) <= MOST_PIXELS:
        return None
    try:
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None


def pixels_of(jpeg: bytes) -> int:
    """Return the number of pixels that a JPEG's header tells; 0 for what is none."""
    place = 2 if jpeg[:2] == b"\xff\xd8" else len(jpeg)
    while place + 9 <= len(jpeg) and jpeg[place] == 0xFF:
        if jpeg[place + 1] in START_OF_FRAME:
            sides = jpeg[place + 5 : place + 7], jpeg[place + 7 : place + 9]
            return int.from_bytes(sides[0], "big") * int.from_bytes(sides[1], "big")
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return 0
