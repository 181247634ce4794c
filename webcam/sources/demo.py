"""Generate a clip that demonstrates tracking, smoothing and numbering without a camera."""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from common.errors import fail
from webcam.sources.cartoon import EXPRESSIONS, Cartoon
from webcam.sources.frame import Frame, Source, VideoInfo

SAMPLE = Path(__file__).resolve().parents[2] / "samples/astronaut.jpg"
WIDTH, HEIGHT, RATE = 640, 480, 30.0  # pixels, frames/s
PORTRAIT = slice(0, 220), slice(125, 325)  # rows and columns of the sample picture
# Seconds; the portrait's middle (shares of the frame's width and height); its height (a share of
# the frame's); its angle in degrees; the light (1: as in the picture)
PORTRAIT_PATH = [
    (0.0, 0.22, 0.62, 0.55, 0, 1.0),
    (0.8, 0.22, 0.62, 0.55, 0, 1.0),
    (2.4, 0.24, 0.57, 0.85, 0, 1.0),  # comes nearer
    (4.0, 0.22, 0.62, 0.60, 0, 1.0),
    (4.8, 0.22, 0.62, 0.60, 14, 1.0),  # tilts
    (6.0, 0.22, 0.62, 0.60, -14, 1.0),
    (6.6, 0.22, 0.62, 0.60, 0, 1.0),
    (7.4, 0.22, 0.62, 0.60, 0, 0.2),  # grows dark
    (8.2, 0.22, 0.62, 0.60, 0, 1.0),
    (9.0, -0.35, 0.62, 0.60, 0, 1.0),  # leaves
    (10.0, -0.35, 0.62, 0.60, 0, 1.0),
    (10.8, 0.22, 0.62, 0.60, 0, 1.0),  # comes back
    (13.0, 0.22, 0.62, 0.60, 0, 1.0),
]
# The drawn face: seconds, and its expression at that time. It changes gradually in between
EXPRESSION_PATH = [
    (0.0, "neutral"),
    (0.8, "neutral"),
    (1.3, "happiness"),
    (3.3, "happiness"),
    (3.7, "neutral"),
    (4.5, "neutral"),
    (4.9, "surprise"),
    (6.7, "surprise"),
    (7.2, "sadness"),
    (9.2, "sadness"),
    (9.7, "anger"),
    (11.5, "anger"),
    (12.0, "neutral"),
    (13.0, "neutral"),
]
DRAWN_X, DRAWN_SIZE = 0.73, 0.8  # its middle and its height, as shares of the frame's
SWAY = 6  # pixels to either side


class DemoSource(Source):
    """The portrait of the sample picture moves in front of a wall, beside a drawn face that
    changes.

    The clip takes 13 seconds, and starts again if it `loops`. Raises UserError if the picture can't
    be read.
    """

    info, end = VideoInfo(RATE), PORTRAIT_PATH[-1][0]

    def __init__(self, loops: bool = False) -> None:
        super().__init__([SAMPLE])
        self.loops = loops
        try:
            picture = cv2.imdecode(np.fromfile(SAMPLE, np.uint8), cv2.IMREAD_COLOR)
        except (OSError, cv2.error):  # missing, empty
            picture = None
        if picture is None:
            fail(SAMPLE, "missing or damaged", "download the project again")
        self.portrait = picture[PORTRAIT]
        self.cartoon = Cartoon()
        # A wall with light from above
        light = np.linspace(150, 90, HEIGHT)[:, None, None] * (0.95, 1.0, 1.0)
        self.wall = np.repeat(light, WIDTH, axis=1).astype(np.uint8)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames, each with its time."""
        count = round(self.end * RATE)
        for number in itertools.count() if self.loops else range(count):
            seconds = number % count / RATE
            frame = self.wall.copy()
            self.paste_cartoon(frame, seconds)
            paste(frame, self.portrait, pose_at(PORTRAIT_PATH, seconds))
            yield Frame(frame, number / RATE)

    def paste_cartoon(self, frame: np.ndarray, seconds: float) -> None:
        """Draw the drawn face of a time, swaying, at the bottom of a frame."""
        times, names = zip(*EXPRESSION_PATH)
        start, share = stretch_at(times, seconds)
        one, other = (EXPRESSIONS[name] for name in names[start : start + 2])
        drawn = self.cartoon.draw(one.mixed(other, share))
        scale = DRAWN_SIZE * HEIGHT / drawn.shape[0]
        small, mask = (
            cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for whole in (drawn, self.cartoon.mask)
        )
        height, width = mask.shape
        left, rest = divmod(DRAWN_X * WIDTH - width / 2 + SWAY * math.sin(seconds), 1)
        shift = np.array([[1, 0, rest], [0, 1, 0]])
        small, mask = (cv2.warpAffine(image, shift, (width + 1, height)) for image in (small, mask))
        region = frame[HEIGHT - height :, int(left) : int(left) + width + 1]
        region[:] = region + (small - region.astype(np.float32)) * (
            mask[..., None] / np.float32(255)
        )


def stretch_at(times: Sequence[float], seconds: float) -> tuple[int, float]:
    """Return the number of the time before `seconds`, and the share of the way to the next.

    The share runs from 0 to 1. It starts and stops gently.
    """
    place = float(np.interp(seconds, times, range(len(times))))
    start = min(int(place), len(times) - 2)
    return start, (1 - math.cos(math.pi * (place - start))) / 2


def pose_at(path: Sequence[tuple[float, ...]], seconds: float) -> list[float]:
    """Return x, y, height, angle and light at a time. The motion pauses at each point of `path`."""
    times, *columns = zip(*path)
    start, share = stretch_at(times, seconds)
    return [column[start] + share * (column[start + 1] - column[start]) for column in columns]


def paste(frame: np.ndarray, portrait: np.ndarray, pose: list[float]) -> None:
    """Draw a portrait into a frame. Both are BGR."""
    x, y, height, angle, light = pose
    rows, columns = portrait.shape[:2]
    affine = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, height * HEIGHT / rows)
    affine[:, 2] += x * WIDTH - columns / 2, y * HEIGHT - rows / 2
    lit = cv2.convertScaleAbs(portrait, alpha=light)
    cv2.warpAffine(lit, affine, (WIDTH, HEIGHT), frame, borderMode=cv2.BORDER_TRANSPARENT)
