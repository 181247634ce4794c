"""Write annotated pictures."""

import os
from pathlib import Path

import cv2
import numpy as np

from common.console import quiet
from common.errors import fail
from webcam.analysis.analyzer import Face
from webcam.outputs.files import check_writable, fail_on_doubles, temporary_path
from webcam.outputs.sink import Annotate, Sink
from webcam.sources.files import WRITTEN
from webcam.sources.frame import Picture
from webcam.sources.images import ImageSource


def write_image(path: Path, picture: np.ndarray) -> None:
    """Write a picture, completely or not at all. Raises OSError."""
    with quiet():
        encoded, data = cv2.imencode(path.suffix, picture)
    if not encoded:
        raise OSError(0, "can't be written", str(path))
    try:
        # cv2.imwrite reports success even on a full disk
        temporary_path(path).write_bytes(data)
        os.replace(temporary_path(path), path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        temporary_path(path).unlink(missing_ok=True)


def file_name(picture: str) -> str:
    """Return a file name for the annotated copy: the picture's own if its format can be written."""
    name = Path(picture).name
    return name if Path(name).suffix.lower() in WRITTEN else f"{name}.png"


class ImageWriter(Sink):
    """Writes annotated pictures: one into a file, or several into a folder under their own names.

    Raises UserError if `path` can't be written, or if two pictures would get the same name.
    """

    def __init__(self, path: Path, source: ImageSource, annotate: Annotate):
        super().__init__()
        self.path, self.many, self.annotate = path, source.many, annotate
        if not self.many:
            if path.suffix.lower() not in WRITTEN:
                mend = f"use one of {' '.join(sorted(WRITTEN))}"
                fail(path, "unknown file extension for a picture", mend)
            check_writable(path, source.paths, "--output")
            return
        if path.exists() and not path.is_dir():
            fail(path, f"one file for {len(source.names)} pictures", "set --output to a folder")
        if not path.parent.is_dir():
            fail(path.parent, "no such folder", "create it, or choose another --output")
        fail_on_doubles([file_name(name) for name in source.names], path, "pictures")
        if path.is_dir() and any(path.samefile(file.parent) for file in source.paths):
            fail(path, "contains the source files", "choose another --output")

    def write(self, picture: Picture, faces: list[Face]) -> None:
        """Write an annotated picture, completely or not at all. Raises OSError."""
        path = self.path
        if self.many:
            path.mkdir(exist_ok=True)
            path /= file_name(picture.name)
        write_image(path, self.annotate(picture, faces))
        if self.path not in self.written:
            self.written.append(self.path)
