"""Helpers that check the files of a script, and that make videos for it."""

import csv
import hashlib
import os
from pathlib import Path

import cv2
import numpy as np

from support.scripts import PICTURE


def tree_hash(folder):
    """Return one digest of the paths and bytes of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        digest.update(os.fsencode(path.relative_to(folder).as_posix()) + b"\0")
        digest.update(path.read_bytes() if path.is_file() else b"folder")
    return digest.hexdigest()


def images_in(folder):
    """Return {path below the folder: path} of all PNGs in it."""
    return {
        path.relative_to(folder).as_posix(): path for path in sorted(Path(folder).glob("*/*.png"))
    }


def read_picture(path):
    """Return a picture, BGR. Assert that it can be read."""
    picture = cv2.imread(str(path))
    assert picture is not None, path
    return picture


def make_video(path, frames=12):
    """Write a video of the sample face, which moves a little, as MJPG, which OpenCV reads."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (480, 360))
    small = cv2.resize(read_picture(PICTURE)[:450], (480, 360))
    for number in range(frames):
        writer.write(np.roll(small, number % 8, axis=1))
    writer.release()
    return path


def rows_of(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def frames_of(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1])
    return frames
