"""Colors and sizes of everything that is drawn on a frame."""

import numpy as np

# Okabe and Ito's palette, which colour-blind readers can tell apart, as red, green, blue. FER+'s
# emotions are in alphabetical order: anger is red, disgust green, happiness yellow, neutral gray,
# sadness blue.
PALETTE = ["d55e00", "cc79a7", "009e73", "e69f00", "f0e442", "bebebe", "0072b2", "56b4e9"]
Color = tuple[int, ...]  # blue, green, red: OpenCV's order
COLORS: list[Color] = [tuple(bytes.fromhex(color)[::-1]) for color in PALETTE]
BLACK, FAINT, WHITE = (24, 22, 20), (200, 200, 200), (255, 255, 255)
UNSURE = 0.4  # a label with a lower probability has a question mark
SHADE = 0.65  # opacity of the dark ground below panels and notes
SMALLEST = 12  # pixels of the smallest legible line


def base_line(frame: np.ndarray) -> int:
    """Return the line height for a frame: a fortieth of its height."""
    height, width = frame.shape[:2]
    return max(SMALLEST, round(min(height / 40, width / 24)))


def on_color(color: Color) -> Color:
    """Return the color of letters on a ground of `color`, both BGR."""
    return BLACK if np.dot(color, (0.11, 0.59, 0.3)) > 100 else WHITE
