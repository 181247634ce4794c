"""Lines of text in a corner of a frame."""

import numpy as np

from webcam.display.layout import Layout
from webcam.display.letters import text_mask
from webcam.display.shapes import blend, rounded
from webcam.display.style import BLACK, SHADE, WHITE, base_line


def draw_notes(
    frame: np.ndarray, lines: list[str], layout: Layout, corner: int | None = None
) -> int | None:
    """Write lines in a corner of a frame, and return the corner.

    Keep `corner`, the one from before, unless another corner covers clearly fewer taken pixels.
    """
    if not lines:
        return corner
    line = base_line(frame)
    row = round(1.35 * line)
    masks = [text_mask(text, line) for text in lines]
    size = max(mask.shape[1] for mask in masks) + line, row * len(lines) + line // 2
    corner, (left, top, width, height) = layout.choose_corner(size, 0, corner)
    blend(frame, rounded(width, height, line // 2), BLACK, left, top, SHADE)
    for number, mask in enumerate(masks):
        down = top + line // 4 + row * number + (row - line) // 2
        blend(frame, mask, WHITE, left + line // 2, down)
    return corner
