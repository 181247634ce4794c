"""Folders of faces by emotion, and the faces in them.

A dataset folder holds one sub-folder per emotion, and images in those:

    data/split/train/
        anger/      row00010.png row00022.png ...
        happiness/  row00007.png ...
        stage.json  who made it, from what, and how many images went in and out

Pillow is imported when a face is opened, so that `python contrast.py --help` answers at once.
"""

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from common.console import progress
from common.errors import fail
from common.faces import FACE_SIZE
from common.labels import is_label

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}


def list_images(folder: Path, made_by: str, least: int = 2) -> dict[str, list[Path]]:
    """Return {emotion: sorted image paths}, emotions in alphabetical order, empty ones left out.

    Hidden files and files that are no images are ignored; symbolic links are followed. Raises
    UserError when the folder is not there (naming `made_by`, the command that makes it), when it
    holds no images, or less than `least` emotions, 1 or 2.
    """
    if not folder.is_dir():
        fail(folder, "no such folder", f"make it with `python {made_by}`")
    images = {}
    for emotion in names_in(folder):
        check_emotion(folder / emotion)
        if (folder / emotion).is_dir():
            paths = [folder / emotion / name for name in names_in(folder / emotion)]
            images[emotion] = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
    images = {emotion: paths for emotion, paths in images.items() if paths}
    for path in (path for paths in images.values() for path in paths):
        if not path.is_file():
            fail(path, "named like an image, but no file", "remove it")
    if not images:
        fail(folder, "no images in its sub-folders", f"give one like that of `python {made_by}`")
    if len(images) < least:
        fail(folder, f"only one emotion, {next(iter(images))!r}", "add sub-folders of others")
    return images


def check_emotion(path: Path) -> None:
    """Raise UserError for what lies among the emotions' folders and can't be one: by link or name."""
    if not path.exists():
        fail(path, "a link that leads nowhere", "mend or remove it")
    if path.is_dir() and not is_label(path.name):
        fail(path, "blanks at its ends, or signs that can't be printed", "rename it")


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder but for hidden ones, sorted: file systems have their own order."""
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def open_face(path: Path, data: bytes | None = None):
    """Return one face as a PIL image, mode L, 48x48.

    `data` is the file's content where the caller has read it already. Raises UserError that names
    the file when it is unreadable or anything else.
    """
    from PIL import Image, UnidentifiedImageError

    # Not below, where a Ctrl-C would leave a warning of an open file: Image.open imports the formats
    Image.preinit()
    data = path.read_bytes() if data is None else data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # No other formats: some of Pillow's readers start other programs
            face = Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "BMP"])
            frames = getattr(face, "n_frames", 1)
            if (face.mode, *face.size, frames) != ("L", FACE_SIZE, FACE_SIZE, 1):
                fail(
                    path,
                    f"{face.width}x{face.height}, mode {face.mode}, {frames} frame(s), "
                    f"not {FACE_SIZE}x{FACE_SIZE} 8-bit grayscale (mode L)",
                    "convert or remove it",
                )
            face.load()
    except UnidentifiedImageError:
        fail(path, "not a readable image (no PNG, JPEG or BMP)", "make it again or remove it")
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        fail(path, f"not a readable image ({error})", "make it again or remove it")
    return face


def copy_images(
    images: dict[str, list[Path]],
    out: Path,
    rename: Callable[[int, Path], str],
    enhance: Callable | None = None,
) -> dict[str, int]:
    """Copy every face to `out/<emotion>/<rename(number, path)>`, each emotion's numbers from 1.

    `enhance` takes and returns a PIL image; without it the file is copied byte for byte. Returns
    images per emotion. Raises UserError for an image that is no face, and for two copies that would
    share a name.
    """
    for emotion in images:
        (out / emotion).mkdir()
    copies = [
        (path, out / emotion / rename(number, path))
        for emotion, paths in images.items()
        for number, path in enumerate(paths, 1)
    ]
    taken = set()
    for path, target in progress(copies, "writing"):
        if target in taken:
            fail(path, f"its copy would have the name of another's, {target.name}", "rename it")
        taken.add(target)
        data = path.read_bytes()
        face = open_face(path, data)
        if enhance is None:
            target.write_bytes(data)
        else:
            # Stored, not deflated: on a disk of 4 KB blocks a deflated 48x48 face is no smaller,
            # and writing it takes 1.4 times as long
            enhance(face).save(target, compress_level=0)
    return count(images)


def write_faces(
    faces: np.ndarray, labels: np.ndarray, names: list[str], folder: Path, rows: np.ndarray
) -> dict[str, int]:
    """Write some rows of `faces`, uint8 (n, 48, 48), as `folder/<label>/<name>`.

    `labels` are str (n,). Returns images per emotion. Stored, not deflated, as in `copy_images`.
    """
    from PIL import Image

    for emotion in np.unique(labels[rows]):
        (folder / emotion).mkdir(parents=True)
    for row in progress(rows, f"writing {folder.name}"):
        Image.fromarray(faces[row]).save(folder / labels[row] / names[row], compress_level=0)
    emotions, counts = np.unique(labels[rows], return_counts=True)
    return {str(emotion): int(n) for emotion, n in zip(emotions, counts)}


def copies_of(test: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return which of `faces`, uint8 (n, 48, 48), have the pixels of one of `test`, bool (n,)."""
    fewer, more = sorted((test, faces), key=len)
    known = {face.tobytes() for face in fewer}  # a set of all training faces would double them
    shared = {pixels for face in more if (pixels := face.tobytes()) in known}
    return np.array([face.tobytes() in shared for face in faces], bool)


def count(images: dict[str, list]) -> dict[str, int]:
    """Return {emotion: number of images}."""
    return {emotion: len(paths) for emotion, paths in images.items()}


def summary(counts: dict[str, int]) -> str:
    """Return `28,389 images: anger 3,014, contempt 200, ...`."""
    each = ", ".join(f"{emotion} {n:,}" for emotion, n in counts.items())
    return f"{sum(counts.values()):,} images: {each}"
