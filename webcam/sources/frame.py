"""What a source yields."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True)
class Frame:
    """One frame of a source.

    `picture` is BGR, uint8 (height, width, 3), or None while a camera has no new one; `seconds` is
    its time, None for a picture that is no part of a video; `tag` is what the CSV says besides, a
    camera's clock or the file of one of many pictures; `last` says that no other picture follows.
    """

    picture: np.ndarray | None
    seconds: float | None
    tag: str | None = None
    last: bool = False


def mirrored(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield frames as in a mirror."""
    for frame in frames:
        yield frame if frame.picture is None else replace(frame, picture=cv2.flip(frame.picture, 1))
