"""Sets of faces in memory, the rows they come from, and a check that none of them leaks."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.console import progress
from common.errors import fail
from dataset.images import FACE_SIZE, count, list_images, open_face

MADE_BY = {"train": "random_shuffle.py", "val": "random_split.py", "test": "data_preprocessing.py"}


def row_number(path: Path) -> int | None:
    """Return the row of both CSVs that an image's name carries (`00001_row12345_contrast.png`.

    12345), else None.
    """
    found = re.search(r"(?:^|_)row(\d+)(?=[_.])", path.name)
    return int(found.group(1)) if found else None


@dataclass
class Faces:
    """Images, uint8 (n, 48, 48, 1).

    Labels, int (n,), the folders' emotions by number; files; images per emotion.
    """

    images: np.ndarray
    labels: np.ndarray
    paths: list[Path]
    counts: dict[str, int]


def load_faces(images: dict[str, list[Path]], emotions: list[str], name: str) -> Faces:
    """Read every face of a set."""
    paths = [path for emotion in images.values() for path in emotion]
    labels = np.array([emotions.index(emotion) for emotion, group in images.items() for _ in group])
    pixels = np.empty((len(paths), FACE_SIZE, FACE_SIZE, 1), np.uint8)
    for index, path in enumerate(progress(paths, f"reading {name}")):
        pixels[index, :, :, 0] = open_face(path)
    return Faces(pixels, labels, paths, count(images))


def load_sets(
    folders: dict[str, Path], emotions: list[str] | None = None, limit: int | None = None
) -> tuple[dict[str, Faces], list[str]]:
    """Return {name: Faces} of {"train", "val" or "test": folder}, and the emotions: the first set's
    sub-folders.

    Of each emotion `limit` faces at most. Fails when val has other emotions than the network, or
    test has one that the network can't name.
    """
    sets = {}
    for name, folder in folders.items():
        images = list_images(folder, MADE_BY[name])
        emotions = emotions or list(images)
        strange = set(images) ^ set(emotions) if name == "val" else set(images) - set(emotions)
        if strange:
            what = f"its emotions differ from the network's by {', '.join(sorted(strange))}"
            fail(
                f"{folder}: {what}; make {', '.join(sets) or 'the network'} and {name} from the same faces"
            )
        images = {emotion: paths[:limit] for emotion, paths in images.items()}
        sets[name] = load_faces(images, emotions, name)
    return sets, emotions


def check_leakage(sets: dict[str, Faces], folder: Path) -> None:
    """Fail when a face to be judged by is a training face, or one that a training face is a copy
    of.
    """
    rows = {row_number(path) for path in sets["train"].paths} - {None}
    pixels = {image.tobytes() for image in sets["train"].images}
    for faces in (faces for name, faces in sets.items() if name != "train"):
        for path, image in zip(faces.paths, faces.images):
            if row_number(path) in rows or image.tobytes() in pixels:
                mend = "run contrast.py, sharpness.py and random_shuffle.py again, as after every random_split.py"
                fail(f"{path}: this face is in {folder} too, so it can't judge the network; {mend}")
