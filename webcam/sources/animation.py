"""Read animated pictures: GIF, WebP, PNG, AVIF."""

import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from webcam.sources.frame import Frame, Source, VideoInfo
from webcam.sources.images import DAMAGED
from webcam.sources.names import codec_name
from webcam.sources.overheard import Overheard
from webcam.sources.video import constant_rate


class AnimationSource(Source):
    """The pictures of an animated GIF, WebP, PNG or AVIF. Error messages call it `name`.

    Raises UserError if they can't be read.
    """

    def __init__(self, path: Path, name: str | None = None):
        super().__init__([path])
        try:
            with Overheard() as overheard:
                is_read, animation = cv2.imreadanimation(codec_name(path))
                is_read = is_read and not re.search(DAMAGED, overheard.take())
        except cv2.error:  # more pixels than OpenCV accepts
            is_read = False
        if not is_read:
            fail(name or path, "not an animation that OpenCV can read", "convert it to MP4")
        self.pictures = animation.frames
        # Browsers also show pictures for 0.1 s if the file asks for 10 ms or less
        shown = [0.1 if duration <= 10 else duration / 1000 for duration in animation.durations]
        self.starts = np.cumsum([0.0, *shown]).tolist()  # seconds
        self.end = self.starts[-1]
        steady = max(shown) == min(shown)
        rate = 1 / shown[0] if steady else constant_rate(1 / statistics.median(shown))
        self.info = VideoInfo(rate)

    def frames(self) -> Iterator[Frame]:
        """Yield each picture with its time."""
        for picture, seconds in zip(self.pictures, self.starts):
            yield Frame(to_bgr(picture), seconds)


def to_bgr(picture: np.ndarray) -> np.ndarray:
    """Convert a picture, gray or BGR or BGRA, of 8 or 16 bits, to BGR of 8 bits."""
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(picture[:, :, :3])
