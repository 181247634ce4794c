"""A browser's camera. Its frames arrive over the WebSocket."""

import queue
from collections.abc import Iterator

import cv2
import numpy as np

from page.server import Server
from webcam.sources.camera import Clock
from webcam.sources.frame import Frame, Source, VideoInfo

MOST_PIXELS = 1920 * 1080
# JPEG markers that precede the size
START_OF_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class BrowserSource(Source):
    """Frames from the first page that sends any."""

    info = VideoInfo(30.0, live=True)
    extra_column = "clock"
    is_webcam = True

    def __init__(self, server: Server):
        super().__init__([])
        self.server = server
        self.number = 0  # of the last frame yielded, as its page counts

    def frames(self) -> Iterator[Frame | None]:
        """Yield each frame. While there is no new one, yield None 20 times a second.

        A frame that can't be decoded yields None too.
        """
        clock = Clock()
        while True:
            try:
                came, number, jpeg = self.server.pictures.get(timeout=0.05)
            except queue.Empty:
                yield None
                continue
            image = decode(jpeg)
            if image is not None:
                self.number = number
            yield None if image is None else clock.stamp(image, came)


def decode(jpeg: bytes) -> np.ndarray | None:
    """Decode a JPEG to BGR, uint8 (height, width, 3). Return None if it is damaged or too large."""
    if not 0 < pixels_of(jpeg) <= MOST_PIXELS:
        return None
    try:
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None


def pixels_of(jpeg: bytes) -> int:
    """Return the number of pixels in a JPEG's header, or 0 if it has no size."""
    place = 2 if jpeg[:2] == b"\xff\xd8" else len(jpeg)
    while place + 9 <= len(jpeg) and jpeg[place] == 0xFF:
        if jpeg[place + 1] == 0xFF:  # a fill byte
            place += 1
            continue
        if jpeg[place + 1] in START_OF_FRAME:
            sides = jpeg[place + 5 : place + 7], jpeg[place + 7 : place + 9]
            return int.from_bytes(sides[0], "big") * int.from_bytes(sides[1], "big")
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return 0
