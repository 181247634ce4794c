"""Sets of faces in memory, their rows in the CSVs, and the check for leaks between sets."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.console import progress
from common.errors import fail
from common.faces import FACE_SIZE
from dataset.images import copies_of, count, list_images, names_in, open_face

DEFAULT_TEST = Path("data/faces/test")
MADE_BY = {"train": "random_shuffle.py", "val": "random_split.py", "test": "data_preprocessing.py"}


def row_number(path: Path) -> int | None:
    """Return a face's row in both CSVs, or None: 12345 for `00001_row12345_contrast.png`."""
    found = re.search(r"(?:^|_)row(\d{5,})(?=[_.])", path.name)
    return int(found.group(1)) if found else None


@dataclass
class Faces:
    """A set of faces. `images`, `labels`, `paths` and `rows` have the same order."""

    images: np.ndarray  # uint8 (n, side, side, 1)
    labels: np.ndarray  # int (n,), the numbers of the emotions of their folders
    paths: list[Path]
    counts: dict[str, int]  # images per emotion
    rows: list[int | None] = field(init=False)  # rows in both CSVs, from the paths

    def __post_init__(self) -> None:
        self.rows = [row_number(path) for path in self.paths]


def load_faces(images: dict[str, list[Path]], emotions: list[str], name: str) -> Faces:
    """Read every face of {emotion: paths}; the progress bar shows `name`.

    `emotions` gives each emotion its number. Raises UserError that names the first file that is not
    a face.
    """
    paths = [path for emotion in images.values() for path in emotion]
    labels = np.array([emotions.index(emotion) for emotion, group in images.items() for _ in group])
    pixels = np.empty((len(paths), FACE_SIZE, FACE_SIZE, 1), np.uint8)
    for index, path in enumerate(progress(paths, f"reading {name}")):
        pixels[index, :, :, 0] = open_face(path)
    return Faces(pixels, labels, paths, count(images))


def load_sets(
    folders: dict[str, Path], emotions: list[str] | None = None, limit: int | None = None
) -> tuple[dict[str, Faces], list[str]]:
    """Return {name: Faces} for {name: folder}, and the emotions; names are train, val and test.

    The emotions default to those of the first folder. `limit` is the most faces per emotion. Raises
    UserError if val has other emotions, or if test has one more.
    """
    sets: dict[str, Faces] = {}
    emotions = emotions or []
    for name, folder in folders.items():
        images = list_images(folder, MADE_BY[name], least=1 if name == "test" else 2)
        emotions = emotions or list(images)
        strange = set(images) ^ set(emotions) if name == "val" else set(images) - set(emotions)
        if strange:
            wrong = f"its emotions differ from the network's ({', '.join(sorted(strange))})"
            mend = f"make {', '.join(sets) or 'the network'} and {name} from the same faces"
            fail(folder, wrong, mend)
        images = {emotion: paths[:limit] for emotion, paths in images.items()}
        sets[name] = load_faces(images, emotions, name)
    return sets, emotions


def has_test(folder: Path, emotions: list[str], of: Path) -> bool:
    """Return whether `folder` has test faces to report on.

    DEFAULT_TEST does not count if it has an emotion outside `emotions`: it belongs to other data.
    The printed line names `of` as the source of `emotions`.
    """
    if not folder.is_dir():
        return False
    there = {name for name in names_in(folder) if (folder / name).is_dir()}
    if folder == DEFAULT_TEST and there - set(emotions):
        print(f"{folder}: has emotions that {of} lacks; left out of the report")
        return False
    return True


def find_known(faces: Faces, train: Faces) -> np.ndarray:
    """Return whether each face, bool (n,), is also a training face, by its pixels or its row."""
    rows = set(train.rows) - {None}
    by_row = np.array([row in rows for row in faces.rows])
    return by_row | copies_of(train.images, faces.images)


def check_leakage(val: Faces, train: Faces, folder: Path) -> None:
    """Raise UserError if a validation face is also a training face, from `folder`."""
    known = find_known(val, train)
    if known.any():
        wrong = f"this face is also in {folder}, so it can't be used for validation"
        mend = "run contrast.py, sharpness.py and random_shuffle.py again, as after every run of random_split.py"
        fail(val.paths[known.argmax()], wrong, mend)


def without_known(test: Faces, train: Faces, folder: Path) -> Faces | None:
    """Return the test faces, from `folder`, without training faces; None if no face remains.

    Prints the number of dropped faces. In Kaggle's image folders, 592 of 7,178 faces are in both.
    """
    known = find_known(test, train)
    if known.any():
        share = f"{known.sum():,} of {len(known):,} faces"
        print(f"{folder}: {share} are also training faces and are left out of the report")
    if known.all():
        return None
    paths = [path for path, there in zip(test.paths, known) if not there]
    counts = Counter(path.parent.name for path in paths)
    return Faces(test.images[~known], test.labels[~known], paths, dict(counts))
