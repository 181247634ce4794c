"""Photographs, sorted by emotion, whose faces are to be trained on.

    my_faces/
        happy/  IMG_0001.jpg IMG_0002.jpg ...
        sad/    IMG_0107.jpg ...

Where the face is in a photograph is for others to say: a `crop` takes a path and returns the face,
uint8 (48, 48), or None, and a note: what there is to know of that.
"""

import math
import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from common.console import progress, quiet
from common.errors import fail, printable
from common.faces import FACE_SIZE
from dataset.images import check_emotion, names_in

SHEET_COLUMNS, SHEET_ROWS = 12, 5  # faces of one emotion on the contact sheet, at most
SIDE, LINE, GAP = 2 * FACE_SIZE, 16, 4  # pixels: of a face, a line of text, between faces
BLACK, WHITE = 0, 255
MAX_NAME = 255  # bytes, in most file systems


@dataclass
class Photos:
    """The files of a folder, in order, and what became of them."""

    paths: list[Path]
    emotions: np.ndarray  # str (n,), their sub-folders
    faces: np.ndarray  # uint8 (n, 48, 48), black where there is none
    notes: list[str]  # why a file has no face, or why that is to be looked at; mostly ""
    found: np.ndarray  # bool (n,), whether there is a face

    @property
    def names(self) -> list[str]:
        """The names of the faces' own files."""
        return [f"{path.stem}.png" for path in self.paths]

    def leave_out(self, which: np.ndarray, note: str) -> None:
        """Leave out some faces, bool (n,); the note takes the place of theirs."""
        self.found &= ~which
        self.notes = [note if out else old for out, old in zip(which, self.notes)]

    def note_contradictions(self) -> None:
        """Note the faces that lie in the folders of several emotions, pixel for pixel."""
        emotions = defaultdict(set)
        keys = [face.tobytes() if found else None for face, found in zip(self.faces, self.found)]
        for key, emotion in zip(keys, self.emotions):
            emotions[key].add(emotion)
        for index, key in enumerate(keys):
            if key and len(emotions[key]) > 1:
                self.notes[index] = "the same face in several emotions"


def list_photos(folder: Path, option: str, is_picture: Callable[[Path], bool]) -> list[Path]:
    """Return the files in a folder's sub-folders, but for hidden ones.

    `option` is the one that the folder was given by. Raises UserError when there are fewer than two
    sub-folders, one without pictures, pictures beside them, and for names that can't be kept.
    """
    emotions = []
    for path in (folder / name for name in names_in(folder)):
        check_emotion(path)
        if path.is_dir():
            emotions.append(path)
        elif is_picture(path):
            fail(f"{path}: a picture in no emotion's folder; move it into one")
    if len(emotions) < 2:
        what = f"only one sub-folder, {emotions[0].name!r}" if emotions else "no sub-folders"
        fail(f"{folder}: {what}; sort the pictures into one per emotion, two or more of them")
    paths = []
    for emotion in emotions:
        inner = [emotion / name for name in names_in(emotion)]
        pictures = [path for path in inner if is_picture(path)]
        if not pictures:
            folders = any(path.is_dir() for path in inner)
            mend = f"give it to {option} itself" if folders else "put some in"
            fail(f"{emotion}: no pictures in it; {mend}, or remove it")
        check_names(pictures)
        paths += inner
    return paths


def check_names(paths: list[Path]) -> None:
    """Raise UserError when a face can't have its picture's name, or has another's too."""
    taken = {}
    for path in paths:
        if len(os.fsencode(f"{path.stem}.png")) > MAX_NAME:
            fail(f"{path}: too long a name for its face; shorten it")
        # Of some file systems A.jpg and a.jpg are one
        other = taken.setdefault(path.stem.casefold(), path)
        if other is not path:
            fail(f"{other} and {path.name}: their faces would have one name; rename one")


def crop_photos(paths: list[Path], crop: Callable, name: str) -> Photos:
    """Return what `crop` makes of some files; `name` is the progress bar's."""
    faces, notes = np.zeros((len(paths), FACE_SIZE, FACE_SIZE), np.uint8), []
    found = np.zeros(len(paths), bool)
    for index, path in enumerate(progress(paths, f"cropping {name}")):
        face, note = crop(path)
        notes.append(note)
        if face is not None:
            faces[index], found[index] = face, True
    emotions = np.array([path.parent.name for path in paths])
    return Photos(paths, emotions, faces, notes, found)


def check_faces(photos: Photos) -> None:
    """Raise UserError that names an emotion without a face."""
    for emotion, n in Counter(photos.emotions.tolist()).items():
        there = photos.emotions == emotion
        if not photos.found[there].any():
            folder = photos.paths[there.argmax()].parent
            reasons = Counter(np.array(photos.notes)[there].tolist()).most_common()
            said = ", ".join(f"{reason}: {count:,}" for reason, count in reasons)
            fail(f"{folder}: a face in none of its {n:,} files ({said}); add some, or remove it")


def check_emotions(test: Photos, pool: Photos) -> None:
    """Raise UserError when the test photographs show an emotion that the others lack."""
    for path, emotion in zip(test.paths, test.emotions):
        if emotion not in pool.emotions:
            what = "an emotion that the photographs to train on lack"
            fail(f"{path.parent}: {what}; add it there, or remove it here")


def write_skipped(path: Path, parts: dict[str, Photos]) -> None:
    """Write a table of the files that have a note: set, emotion, file, reason."""
    rows = [
        (name, emotion, file.name, note)
        for name, photos in parts.items()
        for file, emotion, note in zip(photos.paths, photos.emotions, photos.notes)
        if note
    ]
    table = pd.DataFrame(rows, columns=["set", "emotion", "file", "reason"])
    table.to_csv(path, index=False, lineterminator="\n", errors="backslashreplace")


def draw_sheet(parts: dict[str, Photos]) -> Image.Image:
    """Return a contact sheet of {name: photos}: faces by emotion, under each the name of its file.

    Of many faces of an emotion some, evenly chosen.
    """
    bands = []
    for name, photos in parts.items():
        for emotion in np.unique(photos.emotions):
            faces = np.flatnonzero(photos.found & (photos.emotions == emotion))
            count = min(len(faces), SHEET_COLUMNS * SHEET_ROWS)
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
    rows = math.ceil(len(shown) / SHEET_COLUMNS)
    band = Image.new("L", (GAP + SHEET_COLUMNS * cell[0], 2 * LINE + rows * cell[1]), WHITE)
    draw, font = ImageDraw.Draw(band), load_font(11)
    draw.text((GAP, LINE // 2), title, BLACK, load_font(14))
    for number, index in enumerate(shown):
        row, column = divmod(number, SHEET_COLUMNS)
        x, y = GAP + column * cell[0], 2 * LINE + row * cell[1]
        band.paste(Image.fromarray(photos.faces[index]).resize((SIDE, SIDE)), (x, y))
        name = printable(photos.paths[index].name)
        length = len(name)
        while draw.textlength(label := name[:length] + "…" * (length < len(name)), font) > SIDE:
            length -= 1
        draw.text((x, y + SIDE), label, BLACK, font)
    return band


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's font, which has the letters of most of Europe; Pillow's own lacks them."""
    with quiet():  # of a home that it can't write into
        import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)
