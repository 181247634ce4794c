"""Photographs to train on, sorted by emotion.

    my_faces/
        happy/  IMG_0001.jpg IMG_0002.jpg ...
        sad/    IMG_0107.jpg  subject1/IMG_0001.jpg ...

The caller passes a function `crop`. It takes a path, and returns the face, uint8 (48, 48), or None,
and a note for the user, or "".
"""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common.console import progress
from common.errors import UserError, fail, printable, some_of
from common.faces import FACE_SIZE
from dataset.ferplus import EMOTIONS, OTHER_NAMES
from dataset.images import check_emotion, names_in

MAX_NAME = 255  # bytes, the limit of most file systems
SAY_EVERY = 100  # files between two lines of progress
# Folders of data sets that contain folders of emotions
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}
PARTS |= {"publictest", "privatetest"}


@dataclass
class Photos:
    """The files of a folder, in order, and their faces."""

    folder: Path
    paths: list[Path]
    faces: np.ndarray  # uint8 (n, 48, 48), black if the file has no face
    notes: list[str]  # why a file has no face, or why to check it; mostly ""
    found: np.ndarray  # bool (n,), whether the file has a face

    def __post_init__(self) -> None:
        inner = [path.relative_to(self.folder) for path in self.paths]
        self.emotions = np.array([path.parts[0] for path in inner])  # str (n,)
        self.names = [name_face(path) for path in inner]  # file names for the cropped faces
        self.captions = [Path(*path.parts[1:]).as_posix() for path in inner]

    def leave_out(self, which: np.ndarray, note: str) -> None:
        """Drop the faces that `which`, bool (n,), marks, and replace their notes."""
        self.found &= ~which
        self.notes = [note if out else old for out, old in zip(which, self.notes)]

    def note_contradictions(self) -> None:
        """Add a note to faces that occur, pixel for pixel, in several emotions."""
        emotions = defaultdict(set)
        keys = {index: self.faces[index].tobytes() for index in np.flatnonzero(self.found)}
        for index, key in keys.items():
            emotions[key].add(self.emotions[index])
        for index, key in keys.items():
            if len(emotions[key]) > 1:
                self.notes[index] = "the same face in several emotions"


def list_photos(folder: Path, option: str, is_picture: Callable[[Path], bool]) -> list[Path]:
    """Return all files below a folder's subfolders, except hidden ones.

    `option` is the option that named the folder. Raises UserError for fewer than two subfolders, a
    subfolder without pictures, a picture beside them, and a name that a face can't have.
    """
    emotions = []
    for path in (folder / name for name in names_in(folder)):
        check_emotion(path)
        if path.is_dir() and path.name.lower() in PARTS:
            fail(
                path,
                "named like part of a data set, not an emotion",
                f"give {option} this folder instead",
            )
        if leads_up(path):
            fail(path, "a link to a folder that contains it", "remove it")
        if path.is_dir():
            emotions.append(path)
        elif is_picture(path):
            fail(path, "a picture outside the emotion folders", "move it into one")
    if len(emotions) < 2:
        there = f"only one subfolder, {emotions[0].name!r}" if emotions else "no subfolders"
        fail(folder, there, "sort the pictures into two or more, one per emotion")
    check_order(folder, emotions)
    paths = []
    for emotion in emotions:
        inner = list(files_below(emotion))
        pictures = [path for path in inner if is_picture(path)]
        if not pictures:
            fail(emotion, "contains no pictures", "add some, or remove it")
        check_names(pictures, folder)
        paths += inner
    return paths


def check_order(folder: Path, emotions: list[Path]) -> None:
    """Raise UserError if folders of people hold folders of emotions, and not the other way."""
    known = {*EMOTIONS, *OTHER_NAMES}
    inner = {name.lower() for emotion in emotions for name in names_in(emotion)} & known
    if len(inner) > 1 and not known & {emotion.name.lower() for emotion in emotions}:
        wrong = f"its subfolders contain folders of emotions ({', '.join(sorted(inner))})"
        fail(folder, wrong, "put all folders of people into one folder per emotion")


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders, sorted by name, except hidden ones."""
    for path in (folder / name for name in names_in(folder)):
        if path.is_dir() and not leads_up(path):
            yield from files_below(path)
        else:
            yield path


def leads_up(path: Path) -> bool:
    """Return whether a path is a link to a folder that contains it. Following it never ends."""
    return path.is_symlink() and path.resolve() in path.parent.resolve().joinpath("x").parents


def name_face(path: Path) -> str:
    """Return the file name for a picture's face.

    `happy/IMG_0001.jpg` gives IMG_0001.png, `happy/subject1/IMG_0001.jpg` subject1_IMG_0001.png.
    """
    return "_".join([*path.parts[1:-1], f"{path.stem}.png"])


def check_names(paths: list[Path], folder: Path) -> None:
    """Raise UserError if a face's file name would be too long, or two faces would share one."""
    taken: dict[str, Path] = {}
    for path in paths:
        name = name_face(path.relative_to(folder))
        if len(os.fsencode(name)) > MAX_NAME:
            fail(path, "the file name of its face would be too long", "rename it")
        # On some file systems, A.png and a.png are the same file
        other = taken.setdefault(name.casefold(), path)
        if other is not path:
            fail(f"{other} and {path.name}", "their faces would have the same name", "rename one")


def crop_photos(folder: Path, paths: list[Path], crop: Callable, name: str) -> Photos:
    """Crop the faces of some files below a folder; the progress bar shows `name`.

    Raises UserError that names the files that can't be read.
    """
    faces, notes = np.zeros((len(paths), FACE_SIZE, FACE_SIZE), np.uint8), []
    found, broken = np.zeros(len(paths), bool), []
    for index, path in enumerate(progress(paths, f"cropping {name}")):
        try:
            face, note = crop(path)
        except UserError as error:
            face, note = None, str(error).removeprefix(f"{printable(str(path))}: ")
            broken.append(path)
        notes.append(note)
        if face is not None:
            faces[index], found[index] = face, True
        if not sys.stderr.isatty() and (index + 1) % SAY_EVERY == 0:  # a log has no progress bar
            print(f"{index + 1:,} of {len(paths):,} files", flush=True)
    if broken:
        raise UserError(f"{some_of(broken)}: {notes[paths.index(broken[0])]}")
    return Photos(folder, paths, faces, notes, found)


def check_faces(photos: Photos) -> None:
    """Raise UserError if an emotion has no face."""
    with_face = set(photos.emotions[photos.found])
    for emotion in photos.emotions:
        if emotion not in with_face:
            notes = Counter(np.array(photos.notes)[photos.emotions == emotion].tolist())
            said = ", ".join(f"{note}: {n:,}" for note, n in notes.most_common())
            wrong = f"no usable face in its {notes.total():,} files ({said})"
            fail(photos.folder / emotion, wrong, "add some, or remove it")


def check_emotions(test: Photos, pool: Photos) -> None:
    """Raise UserError if the test photographs have an emotion that the pool lacks."""
    for emotion in test.emotions:
        if emotion not in pool.emotions:
            wrong = "no photographs to train this emotion on"
            fail(test.folder / emotion, wrong, "add some, or remove it")


def write_skipped(path: Path, parts: dict[str, Photos]) -> None:
    """Write a table of all files with a note: set, emotion, file, reason."""
    rows = [
        (name, emotion, file, note)
        for name, photos in parts.items()
        for file, emotion, note in zip(photos.captions, photos.emotions, photos.notes)
        if note
    ]
    table = pd.DataFrame(rows, columns=["set", "emotion", "file", "reason"])
    table.to_csv(path, index=False, lineterminator="\n", errors="backslashreplace")
