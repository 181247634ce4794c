"""Masks, rounded shapes and numbers, blended into a frame."""

from functools import lru_cache

import cv2
import numpy as np

from webcam.display.letters import text_mask, text_width
from webcam.display.style import BLACK, WHITE, Color

CHIP = 1.4  # height of labels and of the chips of numbers, in line heights
FINER = 4  # masks are drawn at this many times their size, then reduced


def blend(
    frame: np.ndarray,
    mask: np.ndarray,
    color: Color,
    left: int,
    top: int,
    opacity: float = 1.0,
) -> None:
    """Blend a BGR color into a frame where a mask covers it. The mask's corner is at left, top."""
    x1, y1 = max(0, left), max(0, top)
    x2, y2 = min(frame.shape[1], left + mask.shape[1]), min(frame.shape[0], top + mask.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    region, cover = frame[y1:y2, x1:x2], mask[y1 - top : y2 - top, x1 - left : x2 - left]
    cover = cv2.merge([cv2.convertScaleAbs(cover, alpha=opacity) if opacity < 1 else cover] * 3)
    rest = cv2.multiply(region, cv2.bitwise_not(cover), scale=1 / 255)
    cv2.add(rest, cv2.multiply(cover, (*color, 0), scale=1 / 255), dst=region)


@lru_cache(maxsize=512)
def rounded(width: int, height: int, radius: int) -> np.ndarray:
    """Return the mask of a filled rectangle with rounded corners, uint8 (height, width)."""
    radius = min(radius, width // 2, height // 2)
    mask = np.full((height, width), 255, np.uint8)
    if radius < 1:
        return mask
    corner = np.zeros((FINER * radius, FINER * radius), np.uint8)
    cv2.circle(corner, (FINER * radius, FINER * radius), FINER * radius, 255, cv2.FILLED)
    corner = cv2.resize(corner, (radius, radius), interpolation=cv2.INTER_AREA)
    mask[:radius, :radius] = corner
    mask[:radius, -radius:] = corner[:, ::-1]
    mask[-radius:, :radius] = corner[::-1]
    mask[-radius:, -radius:] = corner[::-1, ::-1]
    return mask


def outline(
    frame: np.ndarray, box: tuple[int, int, int, int], radius: int, color: Color, thick: int
) -> None:
    """Draw the edge of a rounded rectangle: left, top, width, height in pixels."""
    left, top, width, height = box
    right, bottom = left + width, top + height
    for start, end in [
        ((left + radius, top), (right - radius, top)),
        ((left + radius, bottom), (right - radius, bottom)),
        ((left, top + radius), (left, bottom - radius)),
        ((right, top + radius), (right, bottom - radius)),
    ]:
        cv2.line(frame, start, end, color, thick, cv2.LINE_AA)
    for x, y, angle in [
        (left + radius, top + radius, 180),
        (right - radius, top + radius, 270),
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
    ]:
        cv2.ellipse(frame, (x, y), (radius, radius), angle, 0, 90, color, thick, cv2.LINE_AA)


def chip_width(number: str, line: int) -> int:
    """Return the width of the chip of a number in pixels."""
    return max(round(CHIP * line), text_width(number, line, bold=True) + line // 2)


def draw_chip(
    frame: np.ndarray, number: str, left: int, top: int, line: int, opacity: float = 1.0
) -> None:
    """Draw a number on a dark chip, CHIP line heights tall."""
    wide, tall = chip_width(number, line), round(CHIP * line)
    mask = text_mask(number, line, bold=True)
    blend(frame, rounded(wide, tall, tall), BLACK, left, top, 0.75 * opacity)
    start, down = left + (wide - mask.shape[1]) // 2, top + (tall - line) // 2
    blend(frame, mask, WHITE, start, down, opacity)
