"""Compare squares, and crop them from an image.

A square is float (x, y, side), in pixels. A square that can be tilted is (x, y, side, tilt). The
tilt is in degrees, clockwise, about the square's center. Comparisons ignore it.
"""

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

SAME_FACE = 0.3  # two squares show the same face if their intersection over union is above this
UPRIGHT = 5.0  # degrees; a crop ignores smaller tilts


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Return the intersection over union of two squares."""
    both = intersection(a, b)
    return both / (a[2] ** 2 + b[2] ** 2 - both)


def intersection(a: np.ndarray, b: np.ndarray) -> float:
    """Return the area that two squares share."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[2], b[1] + b[2]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)


def is_nested(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Return whether `inner` is smaller than `outer`, with two thirds of its area inside it."""
    return inner[2] < outer[2] and intersection(inner, outer) > 2 / 3 * inner[2] ** 2


def is_same(box: np.ndarray, other: np.ndarray) -> bool:
    """Return whether a square shows the same face as another, or part of it."""
    return iou(box, other) > SAME_FACE or is_nested(box, other)


def find_same(boxes: list[np.ndarray], box: np.ndarray) -> np.ndarray | None:
    """Return the square most likely to show the same face as `box`, or None."""
    best = max(boxes, key=lambda other: iou(other, box), default=None)
    return best if best is not None and iou(best, box) > SAME_FACE else None


def match(found: list[np.ndarray], boxes: list[np.ndarray]) -> list[np.ndarray | None]:
    """Return for each box the found square of the same face, or None. Use each square once.

    Match the pairs with the largest overlap first, so that neighbours don't swap faces.
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
    """Return the largest confirmed candidate of each face, from left to right."""
    faces: list[np.ndarray] = []
    for candidate in sorted(candidates, key=lambda box: -box[2]):
        if not any(is_same(candidate, face) for face in faces):
            box = confirm(candidate)
            if box is not None and not any(is_same(box, face) for face in faces):
                faces.append(box)
    return sorted(faces, key=tuple)


def widen(box: np.ndarray, margin: float) -> np.ndarray:
    """Add a share of its side to each side of a square, float (x, y, side, tilt)."""
    return box + box[2] * np.array([-margin, -margin, 2 * margin, 0])


def similarity(
    scale: float = 1.0, tilt: float = 0.0, shift: Sequence[float] | np.ndarray = (0.0, 0.0)
) -> np.ndarray:
    """Return the matrix, float (3, 3), that scales, tilts about the origin, and then shifts."""
    cos, sin = scale * math.cos(math.radians(tilt)), scale * math.sin(math.radians(tilt))
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]], [0, 0, 1]])


def map_square(square: np.ndarray, affine: np.ndarray, tilt: float) -> np.ndarray:
    """Transform an upright square, float (x, y, side); `tilt` is its tilt after the transform."""
    x, y, side = square
    across, down, _ = affine @ (x + side / 2, y + side / 2, 1)
    side *= math.hypot(affine[0, 0], affine[1, 0])
    return np.array([across - side / 2, down - side / 2, side, tilt])


def turn(gray: np.ndarray, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotate a whole gray image so that tilted faces are upright.

    Return the image and the matrix back to the original, float (3, 3).
    """
    rows, columns = gray.shape
    cos, sin = abs(math.cos(math.radians(tilt))), abs(math.sin(math.radians(tilt)))
    size = round(columns * cos + rows * sin), round(columns * sin + rows * cos)
    back = similarity(1, tilt, (columns / 2, rows / 2))
    back = back @ similarity(shift=(-size[0] / 2, -size[1] / 2))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned = cv2.warpAffine(gray, back[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return turned, back


def resize(gray: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a gray image, uint8 (height, width), to `size`, (height, width)."""
    shrinks = size[0] < gray.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(gray, (size[1], size[0]), interpolation=interpolation)


def rescale(gray: np.ndarray, scale: float) -> np.ndarray:
    """Scale the sides of a gray image by `scale`."""
    rows, columns = (max(1, round(scale * length)) for length in gray.shape)
    return resize(gray, (rows, columns))


def crop(gray: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crop a square, float (x, y, side, tilt), from a gray image, upright, at `size`.

    `size` is (height, width). Outside the image, the crop repeats the edge pixels.
    """
    if abs(box[3]) < UPRIGHT:
        return resize(cut_out(gray, box), size)
    # Crop more than the square, because the rotation brings outside pixels into its corners
    around = math.sqrt(2)
    larger = round(around * size[0]), round(around * size[1])
    square = resize(cut_out(gray, widen(box, (around - 1) / 2)), larger)
    middle = (larger[1] - 1) / 2, (larger[0] - 1) / 2
    affine: np.ndarray = cv2.getRotationMatrix2D(middle, box[3], 1)
    affine[:, 2] += np.subtract(size[::-1], larger[::-1]) / 2
    return cv2.warpAffine(square, affine, size[::-1], borderMode=cv2.BORDER_REPLICATE)


def cut_out(gray: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Cut a square, (x, y, side), out of a gray image, in whole pixels and without its tilt."""
    height, width = gray.shape
    x, y, side = np.rint(box[:3]).astype(int)
    # A square outside the image repeats the nearest row or column
    rows = slice(min(max(0, y), height - 1), max(1, y + side))
    inside = gray[rows, min(max(0, x), width - 1) : max(1, x + side)]
    above, left = min(max(0, -y), side - 1), min(max(0, -x), side - 1)
    below, right = side - above - inside.shape[0], side - left - inside.shape[1]
    return cv2.copyMakeBorder(inside, above, below, left, right, cv2.BORDER_REPLICATE)
