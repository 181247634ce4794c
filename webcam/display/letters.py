"""Text as masks with smooth edges. Masks are kept for the next frames."""

import unicodedata
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
FINER = 4  # masks are drawn at this many times their size, then reduced
STROKE, BOLD_STROKE = 0.075, 0.115  # line width as a share of the line height
NUMBERED = "no. "  # precedes the number of an emotion whose name can't be drawn
# Fonts with many letters, from Linux, Windows and macOS. Pillow finds them by name
FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "arial.ttf",
    "msyh.ttc",
    "Arial Unicode.ttf",
    "PingFang.ttc",
)


@lru_cache(maxsize=4096)
def text_mask(text: str, height: int, bold: bool = False) -> np.ndarray:
    """Return the coverage of one line of text, uint8 (height, width), 255 inside the letters.

    OpenCV has only ASCII letters. Pillow draws the others, if it is installed and finds a font.
    """
    font = None if text.isascii() else find_font(text, round(0.85 * FINER * height))
    mask = (
        pillow_mask(text, font, FINER * height, bold) if font else opencv_mask(text, height, bold)
    )
    width = -(-mask.shape[1] // FINER)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)


def text_width(text: str, height: int, bold: bool = False) -> int:
    """Return the width of a text's mask in pixels."""
    return text_mask(text, height, bold).shape[1]


def opencv_mask(text: str, height: int, bold: bool) -> np.ndarray:
    """Return the coverage of a text in OpenCV's letters, at FINER times its size."""
    text, tall = to_ascii(text), FINER * height
    thick = max(1, round((BOLD_STROKE if bold else STROKE) * tall))
    scale = cv2.getFontScaleFromHeight(FONT, round(0.62 * tall))
    (width, _), _ = cv2.getTextSize(text, FONT, scale, thick)
    mask = np.zeros((tall, width + thick), np.uint8)
    cv2.putText(mask, text, (thick // 2, round(0.78 * tall)), FONT, scale, 255, thick, cv2.LINE_AA)
    return mask


def pillow_mask(text: str, font: Any, tall: int, bold: bool) -> np.ndarray:
    """Return the coverage of a text in a font of Pillow, `tall` pixels high."""
    from PIL import Image, ImageDraw

    stroke = round(0.02 * tall) if bold else 0
    image = Image.new("L", (round(font.getlength(text)) + 2 * stroke, tall))
    ImageDraw.Draw(image).text(
        (stroke, round(0.78 * tall)), text, 255, font, anchor="ls", stroke_width=stroke
    )
    return np.asarray(image)


@lru_cache
def find_font(text: str, size: int) -> Any:
    """Return a font of Pillow with all letters of a text, or None if there is none or no Pillow."""
    try:
        from PIL import ImageFont
    except ImportError:
        return None
    for name in FONTS:
        try:
            font = ImageFont.truetype(name, size)
        except OSError:  # not installed
            continue
        missing = bytes(font.getmask("\U0010ffff"))
        if all(bytes(font.getmask(letter)) != missing for letter in text if not letter.isspace()):
            return font
    return None


def to_ascii(text: str) -> str:
    """Return a text in ASCII: o for ö, `?` for letters without a simpler form."""
    plain = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(plain).encode("ascii", "replace").decode()


def drawn_names(emotions: list[str]) -> list[str]:
    """Return the names to draw. A name whose letters no font has becomes `no. 1`."""
    return [
        f"{NUMBERED}{number}"
        if "?" in to_ascii(emotion) and "?" not in emotion and not find_font(emotion, 12)
        else emotion
        for number, emotion in enumerate(emotions, 1)
    ]


def legend(emotions: list[str]) -> str:
    """Return `no. 1: 生气, no. 2: 轻蔑` for the emotions that are drawn as a number."""
    pairs = zip(drawn_names(emotions), emotions)
    return ", ".join(f"{drawn}: {emotion}" for drawn, emotion in pairs if drawn != emotion)
