"""Folders of faces, one per emotion, and the faces in them.

    data/split/train/
        anger/      row00010.png row00022.png ...
        happiness/  row00007.png ...
        stage.json  the script that made it, its input, and the number of images in and out

Pillow is imported when a face is opened, so that `python contrast.py --help` is instant.
"""

import io
import os
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from common.console import progress
from common.errors import fail
from common.faces import FACE_SIZE
from common.labels import is_label

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}


def list_images(folder: Path, made_by: str, least: int = 2) -> dict[str, list[Path]]:
    """Return {emotion: sorted image paths}, in alphabetical order, without empty emotions.

    Ignores hidden files and files that are not images. Follows symbolic links. Raises UserError if
    the folder has fewer than `least` emotions, 1 or 2, or if it is missing. That error names the
    script `made_by`, which makes the folder.
    """
    if not folder.is_dir():
        fail(folder, "no such folder", f"make it with `python {made_by}`")
    images = {}
    for emotion in names_in(folder):
        check_emotion(folder / emotion)
        if (folder / emotion).is_dir():
            paths = [folder / emotion / name for name in names_in(folder / emotion)]
            paths = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
            if paths:
                images[emotion] = paths
            for path in paths:
                if not path.is_file():
                    fail(path, "named like an image, but not a file", "remove it")
    if not images:
        mend = f"give a folder like the one from `python {made_by}`"
        fail(folder, "no images in its subfolders", mend)
    if len(images) < least:
        fail(folder, f"only one emotion, {next(iter(images))!r}", "add subfolders for others")
    return images


def check_emotion(path: Path) -> None:
    """Raise UserError if the path of an emotion's folder is a dead link or has an invalid name."""
    if not path.exists():
        fail(path, "a broken link", "fix or remove it")
    if path.is_dir() and not is_label(path.name):
        fail(path, "its name has spaces at an end, or unprintable characters", "rename it")


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted, without hidden ones.

    Raises UserError for two names that differ only in case. A case-insensitive disk would store
    their copies as one file.
    """
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            wrong = f"differs from {other} only in upper and lower case"
            fail(folder / name, wrong, "rename one")
    return names


def open_face(path: Path, data: bytes | None = None):
    """Return a face as a PIL image, mode L, 48x48. Raises UserError for any other file.

    `data` is the file's content, if the caller has already read it.
    """
    from PIL import Image, UnidentifiedImageError

    # Image.open would import the formats below, where Ctrl-C causes a warning about an open file
    Image.preinit()
    data = path.read_bytes() if data is None else data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Some of Pillow's other readers start other programs
            face = Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "BMP"])
            frames = getattr(face, "n_frames", 1)
            if (face.mode, *face.size, frames) != ("L", FACE_SIZE, FACE_SIZE, 1):
                wrong = f"{face.width}x{face.height}, mode {face.mode}, {frames} frame(s)"
                wanted = f"{FACE_SIZE}x{FACE_SIZE} 8-bit grayscale (mode L)"
                fail(path, f"{wrong}, not {wanted}", "convert or remove it")
            face.load()
    except UnidentifiedImageError:
        fail(path, "not a readable image (not PNG, JPEG or BMP)", "make it again or remove it")
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        fail(path, f"not a readable image ({error})", "make it again or remove it")
    return face


def copy_images(
    images: dict[str, list[Path]],
    out: Path,
    rename: Callable[[int, Path], str],
    enhance: Callable | None = None,
) -> dict[str, int]:
    """Copy every face to `out/<emotion>/<rename(number, path)>`, numbered from 1 in each emotion.

    `enhance` takes and returns a PIL image. Without it, the bytes are copied. Returns images per
    emotion. Raises UserError for an image that is not a face, and for two copies with one name.
    """
    copies: dict[Path, Path] = {}  # {copy: original}
    for emotion, paths in images.items():
        (out / emotion).mkdir()
        for number, path in enumerate(paths, 1):
            target = out / emotion / rename(number, path)
            if copies.setdefault(target, path) is not path:
                fail(path, f"two copies would be named {target.name}", "rename it")
    for target, path in progress(copies.items(), "writing"):
        data = path.read_bytes()
        face = open_face(path, data)
        if enhance is None:
            target.write_bytes(data)
        else:
            # Compression takes 1.4 times as long, and a 48x48 face still fills as many 4 KB blocks
            enhance(face).save(target, compress_level=0)
    return count(images)


def write_faces(
    faces: np.ndarray, labels: np.ndarray, names: list[str], folder: Path, rows: np.ndarray
) -> dict[str, int]:
    """Write the given `rows` of `faces`, uint8 (n, 48, 48), as `folder/<label>/<name>`.

    `labels` are str (n,). Returns images per emotion.
    """
    from PIL import Image

    counts = dict(sorted(Counter(labels[rows].tolist()).items()))
    for emotion in counts:
        (folder / emotion).mkdir(parents=True)
    for row in progress(rows, f"writing {folder.name}"):
        Image.fromarray(faces[row]).save(folder / labels[row] / names[row], compress_level=0)
    return counts


def copies_of(test: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return whether each of `faces`, uint8 (n, 48, 48), is a copy of one of `test`, bool (n,)."""
    fewer, more = sorted((test, faces), key=len)
    known = {face.tobytes() for face in fewer}  # the larger set would double the memory in use
    shared = {pixels for face in more if (pixels := face.tobytes()) in known}
    return np.array([face.tobytes() in shared for face in faces], bool)


def count(images: dict[str, list]) -> dict[str, int]:
    """Return {emotion: number of images}."""
    return {emotion: len(paths) for emotion, paths in images.items()}


def summary(counts: dict[str, int]) -> str:
    """Return `28,389 images: anger 3,014, contempt 200, ...`."""
    each = ", ".join(f"{emotion} {n:,}" for emotion, n in counts.items())
    return f"{sum(counts.values()):,} images: {each}"
