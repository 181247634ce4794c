"""A contact sheet of cropped faces, to see at a glance what will be trained on."""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common.console import quiet
from common.errors import printable
from common.faces import FACE_SIZE
from dataset.photos import Photos

COLUMNS, ROWS = 12, 5  # faces of one emotion, at most
SIDE, LINE, GAP = 2 * FACE_SIZE, 16, 4  # pixels: of a face, a line of text, between faces
BLACK, WHITE = 0, 255


def draw_sheet(parts: dict[str, Photos]) -> Image.Image:
    """Return a contact sheet of {name: photos}: faces by emotion, under each the name of its file.

    Of many faces of an emotion some, evenly chosen.
    """
    bands = []
    for name, photos in parts.items():
        for emotion in np.unique(photos.emotions):
            faces = np.flatnonzero(photos.found & (photos.emotions == emotion))
            count = min(len(faces), COLUMNS * ROWS)
            shown = faces[np.linspace(0, len(faces) - 1, count).round().astype(int)]
            of = f" of {len(faces):,}" if count < len(faces) else ""
            title = printable(f"{name}/{emotion}: {count}{of} faces")
            bands.append(draw_band(title, photos, shown))
    sheet = Image.new("L", (bands[0].width, sum(band.height for band in bands)), WHITE)
    top = 0
    for band in bands:
        sheet.paste(band, (0, top))
        top += band.height
    return sheet


def draw_band(title: str, photos: Photos, shown: np.ndarray) -> Image.Image:
    """Return a title and below it some faces, by number, with the names of their files."""
    cell = (SIDE + GAP, SIDE + LINE + GAP)
    rows = math.ceil(len(shown) / COLUMNS)
    band = Image.new("L", (GAP + COLUMNS * cell[0], 2 * LINE + rows * cell[1]), WHITE)
    draw, font = ImageDraw.Draw(band), load_font(11)
    draw.text((GAP, LINE // 2), title, BLACK, load_font(14))
    for number, index in enumerate(shown):
        row, column = divmod(number, COLUMNS)
        x, y = GAP + column * cell[0], 2 * LINE + row * cell[1]
        band.paste(Image.fromarray(photos.faces[index]).resize((SIDE, SIDE)), (x, y))
        name = printable(photos.paths[index].name)
        length = len(name)
        while draw.textlength(label := shorten(name, length), font) > SIDE:
            length -= 1
        draw.text((x, y + SIDE), label, BLACK, font)
    return band


def shorten(name: str, length: int) -> str:
    """Return a name, or so many letters of it and an ellipsis."""
    return name if length == len(name) else f"{name[:length]}…"


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's font, which has the letters of most of Europe; Pillow's own lacks them."""
    with quiet():  # of a home that it can't write into
        import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)
