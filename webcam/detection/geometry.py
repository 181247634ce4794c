"""Squares in pixels: comparing two of them, and cutting one out of an image.

A square is float (x, y, side) and, if it may be turned, its tilt about its own middle: degrees,
positive clockwise. Comparisons ignore the tilt.
"""

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

SAME_FACE = 0.3  # intersection over union above which two squares are of one face
UPRIGHT = 5.0  # degrees of tilt below which a square is cut out as if it had none


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Return the intersection of two squares over their union."""
    both = intersection(a, b)
    return both / (a[2] ** 2 + b[2] ** 2 - both)


def intersection(a: np.ndarray, b: np.ndarray) -> float:
    """Return the area that two squares share."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[2], b[1] + b[2]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)


def is_nested(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Return whether `inner` is smaller than `outer` and lies in it, by two thirds of its area."""
    return inner[2] < outer[2] and intersection(inner, outer) > 2 / 3 * inner[2] ** 2


def is_same(box: np.ndarray, other: np.ndarray) -> bool:
    """Return whether a square is of the same face as another, or of a part of it."""
    return iou(box, other) > SAME_FACE or is_nested(box, other)


def find_same(boxes: list[np.ndarray], box: np.ndarray) -> np.ndarray | None:
    """Return the square most likely to be of the same face as `box`, if one is."""
    best = max(boxes, key=lambda other: iou(other, box), default=None)
    return best if best is not None and iou(best, box) > SAME_FACE else None


def match(found: list[np.ndarray], boxes: list[np.ndarray]) -> list[np.ndarray | None]:
    """Return for each box the square found that is of the same face, each square once at most.

    The pairs that overlap most come first: a face is not taken for its neighbour.
    """
    pairs = [
        (iou(box, other), a, b) for a, box in enumerate(boxes) for b, other in enumerate(found)
    ]
    chosen: dict[int, int] = {}
    for overlap, a, b in sorted(pairs, reverse=True):
        if overlap > SAME_FACE and a not in chosen and b not in chosen.values():
            chosen[a] = b
    return [found[chosen[a]] if a in chosen else None for a in range(len(boxes))]


def choose_faces(
    candidates: list[np.ndarray], confirm: Callable[[np.ndarray], np.ndarray | None]
) -> list[np.ndarray]:
    """Return the confirmed candidates, the largest one of each face, from left to right."""
    faces: list[np.ndarray] = []
    for candidate in sorted(candidates, key=lambda box: -box[2]):
        if not any(is_same(candidate, face) for face in faces):
            box = confirm(candidate)
            if box is not None and not any(is_same(box, face) for face in faces):
                faces.append(box)
    return sorted(faces, key=tuple)


def widen(box: np.ndarray, margin: float) -> np.ndarray:
    """Return a square, float (x, y, side, tilt), with a share of its side added on all sides."""
    return box + box[2] * np.array([-margin, -margin, 2 * margin, 0])


def similarity(
    scale: float = 1.0, tilt: float = 0.0, shift: Sequence[float] | np.ndarray = (0.0, 0.0)
) -> np.ndarray:
    """Return the map, float (3, 3), that scales, turns by a tilt about the origin, then shifts."""
    cos, sin = scale * math.cos(math.radians(tilt)), scale * math.sin(math.radians(tilt))
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]], [0, 0, 1]])


def map_square(square: np.ndarray, affine: np.ndarray, tilt: float) -> np.ndarray:
    """Return an upright square, float (x, y, side), as a map places it; `tilt` is its tilt there."""
    x, y, side = square
    across, down, _ = affine @ (x + side / 2, y + side / 2, 1)
    side *= math.hypot(affine[0, 0], affine[1, 0])
    return np.array([across - side / 2, down - side / 2, side, tilt])


def turn(gray: np.ndarray, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a gray image with what is tilted upright, all of it, and the map back, float (3, 3)."""
    rows, columns = gray.shape
    cos, sin = abs(math.cos(math.radians(tilt))), abs(math.sin(math.radians(tilt)))
    size = round(columns * cos + rows * sin), round(columns * sin + rows * cos)
    back = similarity(1, tilt, (columns / 2, rows / 2))
    back = back @ similarity(shift=(-size[0] / 2, -size[1] / 2))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned = cv2.warpAffine(gray, back[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return turned, back


def resize(gray: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a gray image, uint8 (height, width), at another `size`, (height, width)."""
    shrinks = size[0] < gray.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(gray, (size[1], size[0]), interpolation=interpolation)


def rescale(gray: np.ndarray, scale: float) -> np.ndarray:
    """Return a gray image with sides `scale` times as long."""
    rows, columns = (max(1, round(scale * length)) for length in gray.shape)
    return resize(gray, (rows, columns))


def crop(gray: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a square, float (x, y, side, tilt), of a gray image, upright, at `size`.

    `size` is (height, width). What lies outside the image repeats its edge.
    """
    if abs(box[3]) < UPRIGHT:
        return resize(cut_out(gray, box), size)
    # Turned about its middle, with what comes into its corners from outside
    around = math.sqrt(2)
    larger = round(around * size[0]), round(around * size[1])
    square = resize(cut_out(gray, widen(box, (around - 1) / 2)), larger)
    middle = (larger[1] - 1) / 2, (larger[0] - 1) / 2
    affine: np.ndarray = cv2.getRotationMatrix2D(middle, box[3], 1)
    affine[:, 2] += np.subtract(size[::-1], larger[::-1]) / 2
    return cv2.warpAffine(square, affine, size[::-1], borderMode=cv2.BORDER_REPLICATE)


def cut_out(gray: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return a square (x, y, side) of a gray image as if it were upright, in whole pixels."""
    height, width = gray.shape
    x, y, side = np.rint(box[:3]).astype(int)
    # A square that lies wholly outside repeats the nearest row or column
    rows = slice(min(max(0, y), height - 1), max(1, y + side))
    inside = gray[rows, min(max(0, x), width - 1) : max(1, x + side)]
    above, left = min(max(0, -y), side - 1), min(max(0, -x), side - 1)
    below, right = side - above - inside.shape[0], side - left - inside.shape[1]
    return cv2.copyMakeBorder(inside, above, below, left, right, cv2.BORDER_REPLICATE)
