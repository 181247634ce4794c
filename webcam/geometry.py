"""Squares (x, y, side) in pixels, and how far two of them are the same."""

import numpy as np


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Return the intersection of two squares (x, y, side) over their union."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[2], b[1] + b[2]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return both / (a[2] ** 2 + b[2] ** 2 - both)
