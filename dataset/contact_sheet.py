"""A contact sheet of cropped faces, to see at a glance what will be trained on."""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common.console import late_imports
from common.errors import printable
from common.faces import FACE_SIZE
from dataset.photos import Photos

COLUMNS, ROWS = 12, 5  # faces of one emotion, at most
SIDE, LINE, GAP = 2 * FACE_SIZE, 16, 4  # pixels: of a face, a line of text, between faces
LINES = 3  # of a file's name
BLACK, WHITE = 0, 255


def draw_sheet(parts: dict[str, Photos]) -> Image.Image:
    """Return a contact sheet of {name: photos}: at most 60 faces per emotion, with file names."""
    bands = []
    for name, photos in parts.items():
        for emotion in np.unique(photos.emotions):
            faces = np.flatnonzero(photos.found & (photos.emotions == emotion))
            count = min(len(faces), COLUMNS * ROWS)
            shown = faces[np.linspace(0, len(faces) - 1, count).round().astype(int)]
            of = f" of {len(faces):,}" if count < len(faces) else ""
            band = draw_band(f"{name}/{emotion}: {count}{of} faces", photos, shown)
            bands.append(np.asarray(band))
    return Image.fromarray(np.vstack(bands))


def draw_band(title: str, photos: Photos, shown: np.ndarray) -> Image.Image:
    """Draw the faces numbered `shown`, with their files' names, below a title."""
    width, height = SIDE + GAP, SIDE + LINES * LINE + GAP
    rows = math.ceil(len(shown) / COLUMNS)
    band = Image.new("L", (GAP + COLUMNS * width, 2 * LINE + rows * height), WHITE)
    draw, font = ImageDraw.Draw(band), load_font(11)
    draw.text((GAP, LINE // 2), printable(title), BLACK, load_font(14))
    for number, index in enumerate(shown):
        row, column = divmod(number, COLUMNS)
        x, y = GAP + column * width, 2 * LINE + row * height
        band.paste(Image.fromarray(photos.faces[index]).resize((SIDE, SIDE)), (x, y))
        for line, text in enumerate(caption(printable(photos.captions[index]), font)):
            draw.text((x, y + SIDE + LINE * line), text, BLACK, font)
    return band


def caption(name: str, font: ImageFont.FreeTypeFont) -> list[str]:
    """Return a file's name in lines as wide as a face, without its middle if it is too long."""
    widths = [font.getlength(sign) for sign in name]
    kept = len(name) // 2  # signs at each end
    lines = wrap(name, widths)
    while len(lines) > LINES:
        kept -= 1
        shown = f"{name[:kept]}…{name[-kept:]}"
        lines = wrap(shown, [*widths[:kept], font.getlength("…"), *widths[-kept:]])
    return lines


def wrap(text: str, widths: list[float]) -> list[str]:
    """Return a text in lines as wide as a face; `widths` are those of its signs."""
    lines, left = [""], float(SIDE)
    for sign, width in zip(text, widths):
        if width > left:
            lines, left = [*lines, ""], float(SIDE)
        lines[-1] += sign
        left -= width
    return lines


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's font, which has the letters of most of Europe; Pillow's own lacks them."""
    with late_imports():
        import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)
