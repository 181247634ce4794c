"""Faces cut out of pictures as the network sees them, for it to be trained on."""

from pathlib import Path

import cv2
import numpy as np

from common.console import quiet
from common.errors import fail
from common.faces import FACE_SIZE
from webcam.analysis.analyzer import to_gray
from webcam.analysis.classifier import crop_face
from webcam.detection.detector import Detector
from webcam.detection.passes import VIDEO_LINES
from webcam.sources.images import count_pictures, is_picture, read_pictures
from webcam.sources.names import utf8_name

SIZE = (FACE_SIZE, FACE_SIZE)
UNREADABLE = "not a picture that OpenCV can read"
MEND = "convert it to PNG or JPEG, or remove it"


def check_readable(paths: list[Path]) -> None:
    """Raise UserError when OpenCV has no reader for some pictures, such as HEIC.

    Only their first bytes are read, so that one is named before the work on others. Raises OSError
    for one that may not be read at all.
    """
    pictures = [path for path in paths if is_picture(path)]
    for path in pictures:
        path.open("rb").close()
    with quiet():
        unread = [path for path in pictures if not cv2.haveImageReader(utf8_name(path))]
    if unread:
        more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        fail(f"{unread[0]}{more}", UNREADABLE, MEND)


def crop_photo(path: Path, detector: Detector) -> tuple[np.ndarray | None, str]:
    """Return the largest face in a file, gray uint8 (48, 48), and a note where it isn't the only one.

    As realtime.py shows it to the network; only in pictures of more lines than VIDEO_LINES a small
    face may be cut out a pixel or two apart. A picture of 48x48 pixels is a face already.
    None and the reason where there is no face, or not one picture. Raises UserError when the picture can't be read.
    """
    if not is_picture(path):
        return None, "a folder, not looked into" if path.is_dir() else "no picture"
    if count_pictures(path) > 1:
        return None, "several pictures in one file"
    (picture,) = read_pictures(path, 1)
    if picture is None:
        fail(path, UNREADABLE, MEND)
    gray = to_gray(picture)
    if gray.shape == SIZE:
        return gray, ""
    # As many lines as a video's frame: in a phone's picture most of the time would go to faces that
    # are smaller still, of passers-by
    boxes = detector.detect(gray, VIDEO_LINES) or detector.detect(gray)
    if not boxes:
        return None, "no face"
    largest = max(boxes, key=lambda box: box[2])
    note = "several faces, the largest taken" if len(boxes) > 1 else ""
    return crop_face(gray, largest, SIZE), note
