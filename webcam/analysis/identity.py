"""Whether a face is still the same person's, where a cut, a loss or a jump leaves room for doubt."""

import cv2
import numpy as np

from webcam.detection.geometry import crop, iou

SIDE, MARGIN = 48, 6  # pixels of a face's picture, and by how many one may be shifted for the other
# Correlation above which two pictures show the same person. In two clips all of 149 pairs 0.1 s apart
# are above 0.9 and all of 166 pairs 0.3 s apart above 0.75. Of 7,060 pairs of two people, FER-2013's
# and the clips', 1 in 100 is above 0.71
SAME_NOW, SAME_LATER = 0.85, 0.75
# The same for the more similar half, the upper or the lower one: a hand before the mouth makes nobody
# another person. Of two people 1 in 100 pairs is above 0.8, none above 0.9
SAME_HALF = 0.93
NOW = 0.1  # seconds, up to which SAME_NOW counts
JUMP = 0.6  # intersection over union of a face's old and new box, below which it has jumped
# Mean change of its part of the thumbnail, as a share of the frame's mean, that makes doubt. From
# frame to frame it was 0.015 at most in two clips, 0.10 where another face was put into its place
CHANGE = 0.05


def jumped(box: np.ndarray, before: np.ndarray) -> bool:
    """Return whether a face has moved or grown too far to be sure that it is the same."""
    return iou(box, before) < JUMP


def same_person(
    a: np.ndarray, a_box: np.ndarray, b: np.ndarray, b_box: np.ndarray, seconds: float
) -> bool:
    """Return whether two gray frames, `seconds` apart, show the same person at these boxes.

    Boxes are float (x, y, side, tilt). The pictures are compared as the network sees them.
    """
    before = crop(a, a_box, (SIDE, SIDE))
    least = SAME_NOW if seconds <= NOW else SAME_LATER
    middle = SIDE // 2
    upper, lower = slice(0, middle + MARGIN), slice(middle - MARGIN, SIDE)
    for tilt in {a_box[3], b_box[3]}:  # the detector knows it in steps alone
        after = crop(b, np.array([*b_box[:3], tilt]), (SIDE, SIDE))
        if likeness(before, after) > least or any(
            likeness(before[half], after[half]) > SAME_HALF for half in (upper, lower)
        ):
            return True
    return False


def likeness(before: np.ndarray, after: np.ndarray) -> float:
    """Return the correlation of a picture without its margin and another, at the best place in that."""
    inner = before[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return float(cv2.matchTemplate(after, inner, cv2.TM_CCOEFF_NORMED).max())


def changed(change: np.ndarray, box: np.ndarray, shape: tuple[int, int]) -> bool:
    """Return whether a face's part of the frame has changed more than a movement changes it.

    `change` is the difference of the thumbnails of this frame and the one before. `box` is in
    pixels of the frame, which has the shape `shape`, (height, width).
    """
    rows, columns = np.divide(change.shape, shape)
    x, y, side = box[:3]
    top, left = np.clip([int(y * rows), int(x * columns)], 0, np.subtract(change.shape, 1))
    part = slice(top, int((y + side) * rows) + 1), slice(left, int((x + side) * columns) + 1)
    return bool(np.abs(change[part]).mean() > CHANGE)
