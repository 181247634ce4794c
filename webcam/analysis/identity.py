"""Whether a face is still the same person's, where a cut, a loss or a jump leaves room for doubt."""

import cv2
import numpy as np

from webcam.detection.geometry import crop, iou

SIDE, INNER = (
    48,
    36,
)  # pixels of a face's picture, and of its middle, which is searched for in the other
# Correlation above which two pictures show the same person. Of two clips' faces 0.1 s apart 149 of
# 149 are above 0.85, 0.3 s apart 166 of 166 above 0.75. Faces of two people in FER-2013, like those
# of the two clips, are above 0.73 in 1 of 100 pairs
SAME_NOW, SAME_LATER = 0.85, 0.75
NOW = 0.1  # seconds, up to which SAME_NOW counts
JUMP = 0.6  # intersection over union of a face's old and new box, below which it has jumped
# Mean change of its part of the thumbnail, as a share of the frame's mean, that makes doubt. From
# frame to frame it was 0.015 at most in two clips, 0.10 where another face was put into its place
CHANGE = 0.05


def jumped(box: np.ndarray, before: np.ndarray) -> bool:
    """Return whether a face has moved or grown too far to be sure that it is the same."""
    return iou(box, before) < JUMP


def same_person(a: np.ndarray, a_box: np.ndarray, b: np.ndarray, b_box: np.ndarray, seconds: float):
    """Return whether two gray frames, `seconds` apart, show the same person at these boxes.

    Boxes are float (x, y, side, tilt). The pictures are compared as the network sees them, by the
    correlation of the first one's middle with the second one, moved by a few pixels.
    """
    margin = (SIDE - INNER) // 2
    before = crop(a, a_box, (SIDE, SIDE))[margin:-margin, margin:-margin]
    likeness = -1.0
    for tilt in {a_box[3], b_box[3]}:  # the detector knows it in steps alone
        after = crop(b, np.array([*b_box[:3], tilt]), (SIDE, SIDE))
        likeness = max(likeness, cv2.matchTemplate(after, before, cv2.TM_CCOEFF_NORMED).max())
    return likeness > (SAME_NOW if seconds <= NOW else SAME_LATER)


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
