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
        for line, text in enumerate(caption(printable(photos.paths[index].name), font)):
            draw.text((x, y + SIDE + LINE * line), text, BLACK, font)
    return band


def caption(name: str, font: ImageFont.FreeTypeFont) -> list[str]:
    """Return a file's name in lines as wide as a face, without its middle if it is too long."""
    shown = name
    for left_out in range(len(name)):
        lines = [""]
        for sign in shown:
            fits = font.getlength(lines[-1] + sign) <= SIDE
            lines = [*lines[:-1], lines[-1] + sign] if fits else [*lines, sign]
        if len(lines) <= LINES:
            return lines
        kept = (len(name) - left_out) // 2
        shown = f"{name[:kept]}…{name[-kept:]}"
    return []


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's font, which has the letters of most of Europe; Pillow's own lacks them."""
    with late_imports():
        import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)
