"""Crop faces from pictures for training, exactly as realtime.py crops them for the network."""

from pathlib import Path

import cv2
import numpy as np

from common.console import quiet
from common.errors import fail, some_of
from common.faces import FACE_SIZE
from webcam.analysis.analyzer import to_gray
from webcam.analysis.classifier import crop_face
from webcam.detection.passes import VIDEO_LINES
from webcam.detection.view import Detector
from webcam.sources.files import is_picture
from webcam.sources.images import count_pictures, read_pictures
from webcam.sources.names import codec_name

SIZE = (FACE_SIZE, FACE_SIZE)
UNREADABLE = "not a picture that OpenCV can read"
MEND = "convert it to PNG or JPEG, or remove it"


def check_readable(paths: list[Path]) -> None:
    """Raise UserError if OpenCV can't read the format of some pictures, such as HEIC.

    This check runs before the real work and reads only the first bytes of each file. If it finds a
    picture that OpenCV can't read, it reads all of them, so that the error also names damaged
    files. Raises OSError if a file may not be read.
    """
    pictures = [path for path in paths if is_picture(path)]
    for path in pictures:
        path.open("rb").close()
    with quiet():
        known = all(cv2.haveImageReader(codec_name(path)) for path in pictures)
    if not known:
        unread = [path for path in pictures if next(read_pictures(path, 1)) is None]
        fail(some_of(unread), UNREADABLE, MEND)


def crop_photo(path: Path, detector: Detector) -> tuple[np.ndarray | None, str]:
    """Return the largest face in a file, gray uint8 (48, 48), and a note if there are several.

    Without a face, return None and the reason. The crop matches that of realtime.py. In pictures
    with more lines than VIDEO_LINES it may differ by a pixel or two. A picture of 48x48 pixels
    counts as a face. Raises UserError if the picture can't be read.
    """
    if not is_picture(path):
        return None, "not a picture"
    if count_pictures(path) > 1:
        return None, "several pictures in one file"
    (picture,) = read_pictures(path, 1)
    if picture is None:
        fail(path, UNREADABLE, MEND)
    gray = to_gray(picture)
    if gray.shape == SIZE:
        return gray, ""
    # A full search of a phone's picture would spend most of its time on passers-by
    boxes = detector.detect(gray, VIDEO_LINES) or detector.detect(gray)
    if not boxes:
        return None, "no face"
    largest = max(boxes, key=lambda box: box[2])
    note = "several faces, largest used" if len(boxes) > 1 else ""
    return crop_face(gray, largest, SIZE), note
