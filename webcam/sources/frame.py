"""Frames of videos and cameras, pictures, and the base class of all sources."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

# OpenCV's rotation codes by degrees clockwise
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True)
class Frame:
    """A frame of a video or a camera. `image` is BGR, uint8 (height, width, 3)."""

    image: np.ndarray
    seconds: float  # since a camera's first frame, or since the start of a video
    clock: str = ""  # time of day, only for a camera


@dataclass(frozen=True)
class Picture:
    """A single picture. `image` is BGR, uint8 (height, width, 3)."""

    image: np.ndarray
    name: str  # the file, with a number if it holds several pictures: `pages.tif-2`
    last: bool = False  # whether it is the last picture


Frames = Iterator[Frame | Picture | None]  # None: the camera has no new frame


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a source that its recording needs."""

    rate: float  # frames/s
    live: bool = False  # whether time goes on during a pause
    sound: str | None = None  # file or address from which ffmpeg can take the sound


class Source:
    """Yields frames or pictures. Subclasses override the methods that they need."""

    info: VideoInfo  # pictures have none
    end: float | None = None  # end of the last frame in seconds, once known
    total: int | None = None  # number of frames or pictures, if known in advance
    extra_column: str | None = None  # name of an extra last column in the CSV
    unit = "frame"  # or "picture"
    is_webcam = False  # whether it shows the user, as in a mirror

    def __init__(self, paths: list[Path]):
        self.paths = paths  # the source's files, which no output may replace

    def frames(self) -> Frames:
        """Yield the frames or pictures in order."""
        raise NotImplementedError

    def close(self) -> None:
        """Release files and threads."""

    def raise_read_errors(self) -> None:
        """Raise UserError if some frames or pictures could not be read."""


def oriented(frames: Frames, degrees: int, mirror: bool) -> Frames:
    """Yield frames rotated clockwise by `degrees` (0 or one of TURNS), then mirrored if asked."""
    for frame in frames:
        if frame and degrees:
            frame = replace(frame, image=cv2.rotate(frame.image, TURNS[degrees]))
        if frame and mirror:
            frame = replace(frame, image=cv2.flip(frame.image, 1))
        yield frame
