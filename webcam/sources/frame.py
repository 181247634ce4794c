"""What the program reads: frames of videos and cameras, pictures, and the sources of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

# By the degrees clockwise that a frame is turned
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


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


Frames = Iterator[Frame | Picture | None]  # None where a camera has no new one


@dataclass(frozen=True)
class VideoInfo:
    """What the recording of a video needs to know of it."""

    rate: float  # frames/s
    live: bool = False  # its time goes on during a pause
    sound: str | None = None  # the file or address that ffmpeg can take its sound from


class Source:
    """Where frames or pictures come from. A kind of source overrides what it needs."""

    info: VideoInfo  # of all but pictures
    end: float | None = None  # the seconds at which the last frame ends, once they are known
    total: int | None = None  # frames or pictures, where that is known before
    extra_column: str | None = None  # the last one of the CSV, if it has one more

    def __init__(self, paths: list[Path]):
        self.paths = paths  # the files that are read, which no output may replace

    def frames(self) -> Frames:
        """Yield the frames or pictures in order."""
        raise NotImplementedError

    def close(self) -> None:
        """Release files and threads."""

    def raise_read_errors(self) -> None:
        """Raise UserError when not all could be read."""


def oriented(frames: Frames, degrees: int, mirror: bool) -> Frames:
    """Yield frames turned clockwise by `degrees`, 0 or one of TURNS, then as in a mirror if asked."""
    for frame in frames:
        if frame and degrees:
            frame = replace(frame, image=cv2.rotate(frame.image, TURNS[degrees]))
        if frame and mirror:
            frame = replace(frame, image=cv2.flip(frame.image, 1))
        yield frame
