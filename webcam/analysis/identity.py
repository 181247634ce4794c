"""Decide whether a face is still the same person's after a cut, a loss or a jump."""

import cv2
import numpy as np

from webcam.detection.geometry import crop, iou

SIDE, MARGIN = 48, 6  # pixels: the side of a compared picture, and the largest shift between two
# Two pictures show the same person above this correlation. Measured on two clips and FER-2013:
#     same person, 0.1 s apart   149 pairs     all above 0.9
#     same person, 0.3 s apart   166 pairs     all above 0.75
#     two people                 7,060 pairs   1 in 100 above 0.71
SAME_NOW, SAME_LATER = 0.85, 0.75
# The same for the upper or the lower half alone, so that a hand in front of the mouth does not make
# a new person. Of pairs of two people, 1 in 100 is above 0.8, and none above 0.9
SAME_HALF = 0.93
NOW = 0.1  # seconds; SAME_NOW applies up to here
JUMP = 0.6  # a face has jumped if the IoU of its old and new box is below this
# A face is in doubt if its part of the thumbnail changes by more than this share of the frame's
# mean. In two clips the change between frames was at most 0.015, and 0.10 for a swapped face
CHANGE = 0.05


def jumped(box: np.ndarray, before: np.ndarray) -> bool:
    """Return whether a face has moved or grown so far that it may be another one."""
    return iou(box, before) < JUMP


def same_person(
    a: np.ndarray, a_box: np.ndarray, b: np.ndarray, b_box: np.ndarray, seconds: float
) -> bool:
    """Return whether two gray frames, `seconds` apart, show the same person at these boxes.

    Boxes are float (x, y, side, tilt). The comparison uses crops like those for the network.
    """
    before = crop(a, a_box, (SIDE, SIDE))
    least = SAME_NOW if seconds <= NOW else SAME_LATER
    middle = SIDE // 2
    upper, lower = slice(0, middle + MARGIN), slice(middle - MARGIN, SIDE)
    for tilt in {a_box[3], b_box[3]}:  # try both: the detector measures tilt only in steps
        after = crop(b, np.array([*b_box[:3], tilt]), (SIDE, SIDE))
        if likeness(before, after) > least or any(
            likeness(before[half], after[half]) > SAME_HALF for half in (upper, lower)
        ):
            return True
    return False


def likeness(before: np.ndarray, after: np.ndarray) -> float:
    """Return the correlation of a picture, without its margin, with the best match in another."""
    inner = before[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return float(cv2.matchTemplate(after, inner, cv2.TM_CCOEFF_NORMED).max())


def changed(change: np.ndarray, box: np.ndarray, shape: tuple[int, int]) -> bool:
    """Return whether a face's part of the frame has changed more than movement explains.

    `change` is the difference between the thumbnails of this frame and the last. `box` is in pixels
    of the frame, and `shape` is the frame's (height, width).
    """
    rows, columns = np.divide(change.shape, shape)
    x, y, side = box[:3]
    top, left = np.clip([int(y * rows), int(x * columns)], 0, np.subtract(change.shape, 1))
    part = slice(top, int((y + side) * rows) + 1), slice(left, int((x + side) * columns) + 1)
    return bool(np.abs(change[part]).mean() > CHANGE)
