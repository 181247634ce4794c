"""Plan short searches of a frame by a Haar cascade that together find every face."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

LINES = 360  # pixels of a frame's shorter side for the search for all but small faces
SMALLEST = 24  # pixels: the cascade's smallest face
MAX_TILT, TILT_STEP = 40, 20  # degrees, to both sides; the cascade tolerates half a step
VIDEO_LINES = 1080  # pixels of a video frame's shorter side for the search for small faces
MAX_PIXELS = 1_500_000  # pixels of a searched frame, for frames of any shape
PASS_PIXELS = 60_000  # pixels of a pass for small faces; with its edges it takes about 4 ms
MAX_ASPECT = 16  # don't rotate frames with a larger aspect ratio


@dataclass(frozen=True)
class Pass:
    """A search of a frame, or of one of its `strips`, for faces of SMALLEST to `largest` pixels.

    The frame is scaled so that its shorter side has `lines` pixels.
    """

    lines: int
    largest: int
    tilt: int = 0  # tilt of the faces, in degrees
    normalized: bool = True  # whether the contrast is normalized
    strip: int = 0
    strips: int = 1


@lru_cache  # all frames of a video have the same shape
def plan_passes(shape: tuple[int, int], most_lines: int = VIDEO_LINES) -> list[list[Pass]]:
    """Return the passes, grouped by kind, that together search a frame (height, width).

    The kinds are:

    1. faces of a user in front of a webcam: at least a seventh of the shorter side
    2. smaller faces, down to a fifteenth. They fill two kinds, so they get twice as many turns
    3. still smaller faces, if the frame has enough lines
    4. tilted faces

    Each pass scales the frame down as far as its faces allow. All passes take about the same time.
    """
    large, middling = (90, 140), (180, 50)  # lines, largest
    # Normalized contrast loses faces that fill the frame, so one pass goes without
    usual = [Pass(*large), Pass(*middling), Pass(*large, normalized=False)]
    small = plan_strips(shape, LINES, LINES // 2)
    smaller, lines = [], LINES
    most_lines = min(most_lines, *shape)
    while most_lines >= 1.2 * lines:
        searched, lines = lines, min(2 * lines, most_lines)
        smaller += plan_strips(shape, lines, searched)
    turned = max(shape) <= MAX_ASPECT * min(shape)
    tilts = [tilt for tilt in range(-MAX_TILT, MAX_TILT + 1, TILT_STEP) if tilt and turned]
    tilted = [Pass(*sizes, tilt) for sizes in (large, middling) for tilt in tilts]
    return [kind for kind in (usual, small[::2], smaller, small[1::2], tilted) if kind]


def take_turn(kinds: list[list[Pass]], turns: Iterator[int]) -> Pass:
    """Return the next pass: every other one is of the first kind, the rest are of the others."""
    number, is_other = divmod(next(turns), 2)
    kind = kinds[0]
    if is_other and kinds[1:]:
        number, other = divmod(number, len(kinds) - 1)
        kind = kinds[1 + other]
    return kind[number % len(kind)]


def plan_strips(shape: tuple[int, int], lines: int, searched: int) -> list[Pass]:
    """Return one pass per strip, for faces that are too small for passes with `searched` lines."""
    pixels = min(lines**2 * max(shape) / min(shape), 4 * MAX_PIXELS)
    largest = round(1.1 * SMALLEST * lines / searched)
    # Strips much lower than a face would search the same rows of a thin frame many times
    strips = min(math.ceil(pixels / PASS_PIXELS), 2 * lines // largest)
    return [Pass(lines, largest, strip=strip, strips=strips) for strip in range(strips)]
