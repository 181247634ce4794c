"""Boxes, labels and bars on a frame."""

import cv2
import numpy as np

from webcam.analyzer import Face

# Okabe and Ito's palette, told apart by colour-blind readers too; red, green, blue. Of FER+'s
# emotions, in alphabetical order, it makes anger red, disgust green, happiness yellow, neutral
# gray, sadness blue
PALETTE = ["d55e00", "cc79a7", "009e73", "e69f00", "f0e442", "bebebe", "0072b2", "56b4e9"]
COLORS = [tuple(bytes.fromhex(color)[::-1]) for color in PALETTE]  # OpenCV wants blue, green, red
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def put_text(
    frame: np.ndarray, text: str, origin: tuple[int, int], size: float, color: tuple, thick: int = 1
) -> None:
    """Write one line, its lower left corner at `origin`; `size` is OpenCV's font scale."""
    cv2.putText(frame, text, origin, cv2.FONT_HERSHEY_SIMPLEX, size, color, thick, cv2.LINE_AA)


def text_size(texts: list[str], size: float, thick: int = 1) -> tuple[int, int]:
    """Return the width of the widest text and the height of a line, in pixels."""
    sizes = [cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thick) for text in texts]
    return max(width for (width, _), _ in sizes), max(height + base for (_, height), base in sizes)


def font_scale(frame: np.ndarray) -> float:
    """Return the font scale that suits a frame, and with it the width of lines."""
    return max(0.4, min(frame.shape[:2]) / 900)


def draw_faces(
    frame: np.ndarray, faces: list[Face], emotions: list[str], bars: bool = False
) -> None:
    """Draw each face's box, number, emotion and confidence into a BGR frame.

    With `bars` also the probability of each of `emotions`, below all boxes and labels.
    """
    size = font_scale(frame)
    if bars:
        for face in faces:
            draw_bars(frame, face, emotions, 0.7 * size)
    for face in faces:
        color = COLORS[emotions.index(face.emotion) % len(COLORS)]
        draw_box(frame, face, color, size)


def draw_box(frame: np.ndarray, face: Face, color: tuple, size: float) -> None:
    """Draw a face's box and, above it where there is room, its label."""
    x, y, side, _ = face.box
    thick = max(1, round(2 * size))
    # A black line below the colored one, to be seen on a ground of its color too
    cv2.rectangle(frame, (x, y), (x + side, y + side), BLACK, thick + 3)
    cv2.rectangle(frame, (x, y), (x + side, y + side), color, thick + 1)
    # The label: a strip of the color, moved into the frame where it lies beyond
    text = f"#{face.track_id} {face.emotion} {face.confidence:.0%}"
    width, line = text_size([text], size, thick)
    pad = max(2, line // 6)
    tall = line + pad
    left = max(0, min(x - thick, frame.shape[1] - width - 2 * pad))
    top = y - tall if y >= tall else min(y + side, frame.shape[0] - tall)
    cv2.rectangle(frame, (left, top), (left + width + 2 * pad, top + tall), color, cv2.FILLED)
    luminance = 0.11 * color[0] + 0.59 * color[1] + 0.3 * color[2]
    ink = BLACK if luminance > 100 else WHITE
    put_text(frame, text, (left + pad, top + tall - line // 3), size, ink, thick)


def draw_bars(frame: np.ndarray, face: Face, emotions: list[str], size: float) -> None:
    """Draw a bar per emotion beside a face's box, to its right where there is room."""
    x, y, side, _ = face.box
    longest, line = text_size(["probability"], size)  # for a probability of 1
    width, gap = text_size(emotions, size)[0] + longest + line, line // 3
    left = x + side + gap
    if left + width > frame.shape[1]:
        left = x - gap - width
    right, top = draw_panel(frame, left, y, emotions, size, longest)
    for number, probability in enumerate(face.probabilities):
        color = COLORS[number % len(COLORS)]
        start = (right - longest, top + round(line * (1.1 * number + 0.4)))
        end = (start[0] + round(longest * float(probability)), start[1] + line // 2)
        cv2.rectangle(frame, start, end, color, cv2.FILLED)


def draw_panel(
    frame: np.ndarray, left: int, top: int, lines: list[str], size: float, room: int = 0
) -> tuple[int, int]:
    """Write white lines on a darkened ground, with `room` pixels to their right.

    The panel is moved into the frame where it lies beyond. Returns the right edge of the room and
    the upper edge of the panel, in pixels.
    """
    if not lines:
        return left, top
    width, line = text_size(lines, size)
    gap = line // 3
    width, height = width + room + (3 if room else 2) * gap, round(1.1 * line * len(lines)) + gap
    left, top = max(0, min(left, frame.shape[1] - width)), max(0, min(top, frame.shape[0] - height))
    frame[top : top + height, left : left + width] //= 4
    for number, text in enumerate(lines, 1):
        origin = (left + gap, top + round(1.1 * line * number) - gap // 2)
        put_text(frame, text, origin, size, WHITE)
    return left + width - gap, top
