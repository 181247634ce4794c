"""What a source yields."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frame:
    """A picture, BGR uint8 (height, width, 3), or None while a camera has no new one, and its moment."""

    picture: np.ndarray | None
    seconds: float
    tag: str | None = None  # what the CSV says besides: a camera's clock, the file of one of many pictures
