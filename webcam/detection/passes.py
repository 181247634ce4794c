"""The searches of a frame by a Haar cascade, each short, that together find every face."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

LINES = 360  # of the frame's shorter side, in a frame as it is searched for all but small faces
SMALLEST = 24  # pixels: the cascade's own size
MAX_TILT, TILT_STEP = 40, 20  # degrees, to either side; the cascade itself finds up to half a step
VIDEO_LINES = 1080  # of a video's frame, as it is searched for small faces
MAX_PIXELS = 1_500_000  # of a frame as it is searched, whatever its shape
PASS_PIXELS = 60_000  # of a pass for small faces, with those at its edges about 4 ms
MAX_ASPECT = 16  # of a frame's sides, above which it is not turned


@dataclass(frozen=True)
class Pass:
    """A search of a frame, or of one of its `strips`, for faces of SMALLEST to `largest` pixels.

    The frame is scaled so that its shorter side has `lines`.
    """

    lines: int
    largest: int
    tilt: int = 0  # degrees, of the faces it finds
    normalized: bool = True  # or with the grays as they are
    strip: int = 0
    strips: int = 1


@lru_cache  # all frames of a video have one shape
def plan_passes(shape: tuple[int, int], most_lines: int = VIDEO_LINES) -> list[list[Pass]]:
    """Return the passes that together search a frame, (height, width), in kinds.

    First the faces of a user before a webcam, from a seventh of the shorter side on; then smaller
    ones down to a fifteenth (two kinds, which doubles their turns), still smaller ones in a frame
    of many lines, and tilted ones. Each pass scales the frame as small as its faces allow, and all
    take about as long.
    """
    large, middling = (90, 140), (180, 50)  # lines, largest
    # Evened out grays lose faces that fill the frame
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
    """Return the pass whose turn it is: every other one of the first kind, else the other kinds."""
    number, is_other = divmod(next(turns), 2)
    kind = kinds[0]
    if is_other and kinds[1:]:
        number, other = divmod(number, len(kinds) - 1)
        kind = kinds[1 + other]
    return kind[number % len(kind)]


def plan_strips(shape: tuple[int, int], lines: int, searched: int) -> list[Pass]:
    """Return the passes, strip by strip, for faces too small for those with `searched` lines."""
    pixels = min(lines**2 * max(shape) / min(shape), 4 * MAX_PIXELS)
    largest = round(1.1 * SMALLEST * lines / searched)
    # In a thin frame, strips that are much lower than a face would search the same rows many times
    strips = min(math.ceil(pixels / PASS_PIXELS), 2 * lines // largest)
    return [Pass(lines, largest, strip=strip, strips=strips) for strip in range(strips)]
