"""A clip made on the fly, so that following, smoothing and numbering show without a camera."""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from webcam.sources.frame import Frame, Source, VideoInfo

SAMPLE = Path(__file__).resolve().parents[2] / "samples/astronaut.jpg"
WIDTH, HEIGHT, RATE = 640, 480, 30.0  # pixels, frames/s
PORTRAIT = slice(0, 220), slice(125, 325)  # rows and columns of the sample picture
# Seconds; the portrait's middle (shares of the frame's width and height), its height (a share of
# the frame's), its angle in degrees, and the light (1: as it is)
FIRST = [
    (0.0, 0.30, 0.50, 0.60, 0, 1.0),
    (0.5, 0.30, 0.50, 0.60, 0, 1.0),
    (1.8, 0.68, 0.46, 0.60, 0, 1.0),  # moves
    (3.2, 0.50, 0.58, 1.20, 0, 1.0),  # comes nearer
    (4.4, 0.40, 0.50, 0.75, 0, 1.0),
    (5.2, 0.40, 0.50, 0.75, 14, 1.0),  # tilts
    (6.4, 0.40, 0.50, 0.75, -14, 1.0),
    (7.0, 0.40, 0.50, 0.75, 0, 1.0),
    (7.8, 0.40, 0.50, 0.75, 0, 0.2),  # grows dark
    (8.6, 0.40, 0.50, 0.75, 0, 1.0),
    (9.3, -0.35, 0.50, 0.75, 0, 1.0),  # leaves
    (10.0, -0.35, 0.50, 0.75, 0, 1.0),
    (10.8, 0.28, 0.50, 0.65, 0, 1.0),  # comes back
    (13.0, 0.28, 0.50, 0.65, 0, 1.0),
]
SECOND = [
    (10.8, 1.30, 0.52, 0.65, 0, 1.0),
    (11.6, 0.74, 0.52, 0.65, 0, 1.0),  # a mirrored one joins
    (13.0, 0.74, 0.52, 0.65, 0, 1.0),
]


class DemoSource(Source):
    """The portrait of the sample picture, moved before a plain wall for 13 seconds.

    It begins anew if it `loops`. Raises UserError when the picture can't be read.
    """

    info, end = VideoInfo(RATE), FIRST[-1][0]

    def __init__(self, loops: bool = False) -> None:
        super().__init__([SAMPLE])
        self.loops = loops
        try:
            picture = cv2.imdecode(np.fromfile(SAMPLE, np.uint8), cv2.IMREAD_COLOR)
        except (OSError, cv2.error):  # missing, empty
            picture = None
        if picture is None:
            fail(SAMPLE, "not a picture", "it comes with the project: fetch that again")
        self.portrait = picture[PORTRAIT]
        # A wall that is lit from above
        light = np.linspace(150, 90, HEIGHT)[:, None, None] * (0.95, 1.0, 1.0)
        self.wall = np.repeat(light, WIDTH, axis=1).astype(np.uint8)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames, each with its time."""
        count = round(self.end * RATE)
        for number in itertools.count() if self.loops else range(count):
            seconds = number % count / RATE
            frame = self.wall.copy()
            paste(frame, self.portrait, pose_at(FIRST, seconds))
            paste(frame, self.portrait[:, ::-1], pose_at(SECOND, seconds))
            yield Frame(frame, number / RATE)


def pose_at(path: Sequence[tuple[float, ...]], seconds: float) -> list[float]:
    """Return x, y, height, angle and light at a time: those of `path`, at rest at each point."""
    times, *columns = zip(*path)
    place = np.interp(seconds, times, range(len(times)))
    start = min(int(place), len(times) - 2)
    share = (1 - math.cos(math.pi * (place - start))) / 2
    return [column[start] + share * (column[start + 1] - column[start]) for column in columns]


def paste(frame: np.ndarray, portrait: np.ndarray, pose: list[float]) -> None:
    """Draw a portrait into a frame, both BGR."""
    x, y, height, angle, light = pose
    rows, columns = portrait.shape[:2]
    affine = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, height * HEIGHT / rows)
    affine[:, 2] += x * WIDTH - columns / 2, y * HEIGHT - rows / 2
    lit = cv2.convertScaleAbs(portrait, alpha=light)
    cv2.warpAffine(lit, affine, (WIDTH, HEIGHT), frame, borderMode=cv2.BORDER_TRANSPARENT)
