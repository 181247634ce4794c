"""Photographs to train on, sorted by emotion.

    my_faces/
        happy/  IMG_0001.jpg IMG_0002.jpg ...
        sad/    IMG_0107.jpg ...

The caller gives a `crop`, which takes a path and returns the face, uint8 (48, 48), or None, and a
note for the user, or "".
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common.console import progress
from common.errors import fail
from common.faces import FACE_SIZE
from dataset.images import check_emotion, names_in

MAX_NAME = 255  # bytes, in most file systems


@dataclass
class Photos:
    """The files of a folder, in order, and their faces."""

    paths: list[Path]
    emotions: np.ndarray  # str (n,), their sub-folders
    faces: np.ndarray  # uint8 (n, 48, 48), black without a face
    notes: list[str]  # why a file has no face, or why to look at it; mostly ""
    found: np.ndarray  # bool (n,), whether the file has a face

    @property
    def names(self) -> list[str]:
        """The names of the faces' own files."""
        return [f"{path.stem}.png" for path in self.paths]

    def leave_out(self, which: np.ndarray, note: str) -> None:
        """Leave out some faces, bool (n,), and replace their notes."""
        self.found &= ~which
        self.notes = [note if out else old for out, old in zip(which, self.notes)]

    def note_contradictions(self) -> None:
        """Note the faces that occur, pixel for pixel, in several emotions."""
        emotions = defaultdict(set)
        keys = {index: self.faces[index].tobytes() for index in np.flatnonzero(self.found)}
        for index, key in keys.items():
            emotions[key].add(self.emotions[index])
        for index, key in keys.items():
            if len(emotions[key]) > 1:
                self.notes[index] = "the same face in several emotions"


def list_photos(folder: Path, option: str, is_picture: Callable[[Path], bool]) -> list[Path]:
    """Return the files in a folder's sub-folders, except hidden ones.

    `option` named the folder. Raises UserError for fewer than two sub-folders, one without
    pictures, pictures beside them, and names that can't be kept.
    """
    emotions = []
    for path in (folder / name for name in names_in(folder)):
        check_emotion(path)
        if path.is_dir():
            emotions.append(path)
        elif is_picture(path):
            fail(path, "a picture in no emotion's folder", "move it into one")
    if len(emotions) < 2:
        there = f"only one sub-folder, {emotions[0].name!r}" if emotions else "no sub-folders"
        fail(folder, there, "sort the pictures into one per emotion, two or more of them")
    paths = []
    for emotion in emotions:
        inner = [emotion / name for name in names_in(emotion)]
        pictures = [path for path in inner if is_picture(path)]
        if not pictures:
            folders = any(path.is_dir() for path in inner)
            mend = f"give it to {option} itself" if folders else "put some in"
            fail(emotion, "no pictures in it", f"{mend}, or remove it")
        check_names(pictures)
        paths += inner
    return paths


def check_names(paths: list[Path]) -> None:
    """Raise UserError when a face can't have its picture's name, or two would share one."""
    taken: dict[str, Path] = {}
    for path in paths:
        if len(os.fsencode(f"{path.stem}.png")) > MAX_NAME:
            fail(path, "too long a name for its face", "shorten it")
        # On some file systems A.png and a.png are one file
        other = taken.setdefault(path.stem.casefold(), path)
        if other is not path:
            fail(f"{other} and {path.name}", "their faces would have one name", "rename one")


def crop_photos(paths: list[Path], crop: Callable, name: str) -> Photos:
    """Crop the faces of some files; the progress bar shows `name`."""
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
    with_face = set(photos.emotions[photos.found])
    for path, emotion in zip(photos.paths, photos.emotions):
        if emotion not in with_face:
            notes = Counter(np.array(photos.notes)[photos.emotions == emotion].tolist())
            said = ", ".join(f"{note}: {n:,}" for note, n in notes.most_common())
            wrong = f"a face in none of its {notes.total():,} files ({said})"
            fail(path.parent, wrong, "add some, or remove it")


def check_emotions(test: Photos, pool: Photos) -> None:
    """Raise UserError when the test photographs show an emotion that the others lack."""
    for path, emotion in zip(test.paths, test.emotions):
        if emotion not in pool.emotions:
            wrong = "an emotion without photographs to train on"
            fail(path.parent, wrong, "add some, or remove it")


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
