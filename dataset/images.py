"""Folders of faces by emotion, and the faces in them.

A dataset folder holds one sub-folder per emotion, and images in those:

    data/split/train/
        anger/      row00010.png row00022.png ...
        happiness/  row00007.png ...
        stage.json  who made it, from what, and how many images went in and out

Pillow and tqdm are imported when a face is opened, so that `python contrast.py --help` answers at
once.
"""

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path

from common.console import progress
from common.errors import fail

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}
FACE_SIZE = 48  # pixels: FER-2013's faces are 48x48


def list_images(folder: Path, made_by: str) -> dict[str, list[Path]]:
    """Return {emotion: sorted image paths}, emotions in alphabetical order, empty ones left out.

    Hidden files and files that are no images are ignored; symbolic links are followed. Fails when
    the folder is not there (naming `made_by`, the command that makes it), or holds no images or one
    emotion only.
    """
    if not folder.is_dir():
        fail(f"{folder}: no such folder; make it with `python {made_by}`")
    images = {}
    for emotion in sorted(_entries(folder), key=lambda entry: entry.name):
        if emotion.is_dir():
            entries = [
                entry
                for entry in _entries(Path(emotion))
                if Path(entry).suffix.lower() in IMAGE_SUFFIXES
            ]
            for entry in entries:
                if not entry.is_file():
                    fail(f"{entry.path}: named like an image, but no file; remove it")
            images[emotion.name] = [
                folder / emotion.name / name for name in sorted(entry.name for entry in entries)
            ]
        elif not os.path.exists(emotion):
            fail(f"{emotion.path}: a link that leads nowhere; mend or remove it")
    images = {emotion: paths for emotion, paths in images.items() if paths}
    if not images:
        fail(f"{folder}: no images in its sub-folders; make it with `python {made_by}`")
    if len(images) == 1:
        fail(
            f"{folder}: only one emotion, {next(iter(images))!r}; a network needs two or more sub-folders to tell apart"
        )
    return images


def _entries(folder: Path) -> list[os.DirEntry]:
    return [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]


def open_face(path: Path, data: bytes | None = None):
    """Open one face as a PIL image, mode L, 48x48; fails by name when it is unreadable or anything
    else.

    `data` is the file's content where the caller has read it already.
    """
    from PIL import Image, UnidentifiedImageError

    # Not below, where Ctrl-C would leave a warning of an open file
    data = path.read_bytes() if data is None else data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # No other formats: some of Pillow's readers start other programs, and most have never
            # met a broken file
            face = Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "BMP"])
            if (face.mode, *face.size) != ("L", FACE_SIZE, FACE_SIZE) or getattr(
                face, "n_frames", 1
            ) > 1:
                what = f"{face.width}x{face.height}, mode {face.mode}, {getattr(face, 'n_frames', 1)} frame(s)"
                fail(
                    f"{path}: {what}, not {FACE_SIZE}x{FACE_SIZE} 8-bit grayscale (mode L); convert or remove it"
                )
            face.load()
    except UnidentifiedImageError:
        fail(f"{path}: not a readable image (no PNG, JPEG or BMP); make it again or remove it")
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        fail(f"{path}: not a readable image ({error}); make it again or remove it")
    return face


def copy_images(
    images: dict[str, list[Path]],
    out: Path,
    rename: Callable[[int, Path], str],
    enhance: Callable | None = None,
) -> dict[str, int]:
    """Copy every face to `out/<emotion>/<rename(number, path)>`, numbers from 1; return images per
    emotion.

    `enhance` takes and returns a PIL image; without it the file is copied byte for byte. Stored,
    not deflated: on a disk of 4 KB blocks a deflated 48x48 face is no smaller, and writing it takes
    1.4 times as long.
    """
    for emotion in images:
        (out / emotion).mkdir()
    faces = [
        (path, out / emotion / rename(number, path))
        for emotion, paths in images.items()
        for number, path in enumerate(paths, 1)
    ]
    taken = set()
    for path, target in progress(faces, "writing"):
        if target in taken:
            fail(f"{path}: its copy would have the name of another's, {target.name}; rename it")
        taken.add(target)
        data = path.read_bytes()
        face = open_face(path, data)
        if enhance is None:
            target.write_bytes(data)
        else:
            enhance(face).save(target, compress_level=0)
    return count(images)


def count(images: dict[str, list]) -> dict[str, int]:
    """Return {emotion: number of images}."""
    return {emotion: len(paths) for emotion, paths in images.items()}


def summary(counts: dict[str, int]) -> str:
    """Return `28,389 images: anger 3,014, contempt 200, ...`."""
    return f"{sum(counts.values()):,} images: " + ", ".join(
        f"{name} {n:,}" for name, n in counts.items()
    )
