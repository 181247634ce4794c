"""Squares in pixels: how far two of them are the same, and the part of an image that one holds.

A square is float (x, y, side) and, where it may be turned, its tilt about its own middle: degrees,
positive clockwise. What compares two squares takes them as if they were upright.
"""

import math
from collections.abc import Callable

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


def find_same(boxes: list[np.ndarray], box: np.ndarray) -> np.ndarray | None:
    """Return which of some squares is of the same face as `box`: the one it shares most with."""
    best = max(boxes, key=lambda other: iou(other, box), default=None)
    return best if best is not None and iou(best, box) > SAME_FACE else None


def choose_faces(
    candidates: list[np.ndarray], confirm: Callable[[np.ndarray], np.ndarray | None]
) -> list[np.ndarray]:
    """Return the confirmed of some candidates, one for each face: the largest, from left to right."""
    faces: list[np.ndarray] = []

    def is_new(box: np.ndarray) -> bool:
        return not any(iou(box, face) > SAME_FACE or is_nested(box, face) for face in faces)

    for candidate in sorted(candidates, key=lambda box: -box[2]):
        if is_new(candidate):
            face = confirm(candidate)
            if face is not None and is_new(face):
                faces.append(face)
    return sorted(faces, key=tuple)


def widen(box: np.ndarray, margin: float) -> np.ndarray:
    """Return a square, float (x, y, side, tilt), with a share of its side added on all sides."""
    return box + box[2] * np.array([-margin, -margin, 2 * margin, 0])


def resize(gray: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a gray image, uint8 (height, width), at another `size`, (height, width)."""
    shrinks = size[0] < gray.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(gray, size[::-1], interpolation=interpolation)


def crop(gray: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a square, float (x, y, side, tilt), of a gray image, upright, at `size`.

    `size` is (height, width). What lies outside the image repeats its edge.
    """
    if abs(box[3]) < UPRIGHT:
        return resize(cut_out(gray, box), size)
    # Turned about its middle, with what comes into its corners from outside
    around = math.sqrt(2)
    larger = tuple(round(around * length) for length in size)
    square = resize(cut_out(gray, widen(box, (around - 1) / 2)), larger)
    affine = cv2.getRotationMatrix2D(((larger[1] - 1) / 2, (larger[0] - 1) / 2), box[3], 1)
    affine[:, 2] += (size[1] - larger[1]) / 2, (size[0] - larger[0]) / 2
    return cv2.warpAffine(square, affine, size[::-1], borderMode=cv2.BORDER_REPLICATE)


def cut_out(gray: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return a square (x, y, side) of a gray image as if it were upright, in whole pixels."""
    height, width = gray.shape
    x, y, side = np.rint(box[:3]).astype(int)
    # Of a square that lies wholly outside, the nearest row or column is repeated
    inside = gray[
        min(max(0, y), height - 1) : max(1, y + side), min(max(0, x), width - 1) : max(1, x + side)
    ]
    above, left = min(max(0, -y), side - 1), min(max(0, -x), side - 1)
    below, right = side - above - inside.shape[0], side - left - inside.shape[1]
    return cv2.copyMakeBorder(inside, above, below, left, right, cv2.BORDER_REPLICATE)
