"""The contrast of a frame, made good before the search for faces."""

import cv2
import numpy as np


def normalize_contrast(gray: np.ndarray, clahe: "cv2.CLAHE") -> np.ndarray:
    """Return grays, uint8 (height, width), stretched over the whole range and evened out by CLAHE.

    CLAHE: Zuiderveld 1994. The cascade needs contrast. Frames with the face found, of 186 in two
    webcam clips of 640x480 (benchmarks/detection.py; no false boxes at that size):

        light                          whole frame, (1.1, 5)  tracker, grays as they are  tracker
        as it is                       186                    186                         186
        30 % of it                     109                    109                         186
        10 % of it, noise of 2         0                      0                           186
        gamma 3                        130                    182                         186
        10 % of the contrast           0                      0                           186
        before a bright window         51                     0                           186
    """
    # Stretch all but the darkest and the brightest half percent of the pixels, by a gain of at most
    # 32: a wall stays one
    sample = gray[::4, ::4].ravel()
    edge = sample.size // 200
    ordered = np.partition(sample, [edge, sample.size - 1 - edge])
    dark, bright = float(ordered[edge]), float(ordered[-1 - edge])
    gain = 255 / max(bright - dark, 8.0)
    table = np.clip((np.arange(256) - dark) * gain, 0, 255).astype(np.uint8)
    return clahe.apply(cv2.LUT(gray, table))


def make_clahe(tiles: int = 8) -> "cv2.CLAHE":
    """Return a CLAHE of so many tiles each way, which only one thread may use."""
    return cv2.createCLAHE(clipLimit=1.0, tileGridSize=(tiles, tiles))
