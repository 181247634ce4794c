"""Normalize the contrast of a frame before the search for faces."""

import cv2
import numpy as np


def normalize_contrast(gray: np.ndarray, clahe: "cv2.CLAHE") -> np.ndarray:
    """Stretch gray values, uint8 (height, width), to the full range and equalize them with CLAHE.

    CLAHE is by Zuiderveld, 1994. The cascade needs contrast. The table counts the frames in which
    the face is found, of 186 in two webcam clips of 640x480 (benchmarks/detection.py). There are no
    false boxes at that size.

        light                          whole frame, (1.1, 5)  tracker, plain grays        tracker
        original                       186                    186                         186
        30 % of the light              109                    109                         186
        10 % of the light, noise of 2  0                      0                           186
        gamma 3                        130                    182                         186
        10 % of the contrast           0                      0                           186
        before a bright window         51                     0                           186
    """
    # Stretch all but the darkest and the brightest 0.5 % of the pixels. A gain of at most 32 keeps
    # a plain wall plain
    sample = gray[::4, ::4].ravel()
    edge = sample.size // 200
    ordered = np.partition(sample, [edge, sample.size - 1 - edge])
    dark, bright = float(ordered[edge]), float(ordered[-1 - edge])
    gain = 255 / max(bright - dark, 8.0)
    table = np.clip((np.arange(256) - dark) * gain, 0, 255).astype(np.uint8)
    return clahe.apply(cv2.LUT(gray, table))


def make_clahe(tiles: int = 8) -> "cv2.CLAHE":
    """Return a CLAHE with `tiles` tiles in each direction. Only one thread may use it."""
    return cv2.createCLAHE(clipLimit=1.0, tileGridSize=(tiles, tiles))
