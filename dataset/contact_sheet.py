"""A contact sheet of cropped faces, which shows the training data at a glance."""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common.console import late_imports
from common.errors import printable
from common.faces import FACE_SIZE
from dataset.photos import Photos

COLUMNS, ROWS = 12, 5  # most faces of one emotion, across and down
SIDE, LINE, GAP = 2 * FACE_SIZE, 16, 4  # pixels: a face, a line of text, the gap between faces
LINES = 3  # most lines of a file name
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
    """Draw the faces with the indices `shown`, with their file names, below a title."""
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
    """Return a file name wrapped to the width of a face, without its middle if it is too long."""
    widths = [font.getlength(sign) for sign in name]
    kept = len(name) // 2  # characters at each end
    lines = wrap(name, widths)
    while len(lines) > LINES:
        kept -= 1
        shown = f"{name[:kept]}…{name[-kept:]}"
        lines = wrap(shown, [*widths[:kept], font.getlength("…"), *widths[-kept:]])
    return lines


def wrap(text: str, widths: list[float]) -> list[str]:
    """Return a text, wrapped to the width of a face; `widths` are its characters' widths."""
    lines, left = [""], float(SIDE)
    for sign, width in zip(text, widths):
        if width > left:
            lines, left = [*lines, ""], float(SIDE)
        lines[-1] += sign
        left -= width
    return lines


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's font. It has most European letters, which Pillow's own font lacks."""
    with late_imports():
        import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)
