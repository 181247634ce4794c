"""What sources yield, frames of a video or pictures, and what a recording needs to know of a video."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True)
class Frame:
    """A frame of a video or a camera. `image` is BGR, uint8 (height, width, 3)."""

    image: np.ndarray
    seconds: float  # since the first frame of a camera, since the start of a video
    clock: str = ""  # the time of day, of a camera


@dataclass(frozen=True)
class Picture:
    """A picture by itself. `image` is BGR, uint8 (height, width, 3)."""

    image: np.ndarray
    name: str  # its file, and its number where that holds several: `pages.tif-2`
    last: bool = False  # no other picture follows


@dataclass(frozen=True)
class VideoInfo:
    """What the recording of a video needs to know of it."""

    rate: float  # frames/s
    live: bool = False  # its time goes on during a pause
    sound: str | None = None  # the file or address that ffmpeg can take its sound from


def mirrored(frames: Iterable[Frame | Picture | None]) -> Iterator[Frame | Picture | None]:
    """Yield frames as in a mirror."""
    for frame in frames:
        yield frame and replace(frame, image=cv2.flip(frame.image, 1))
