"""Faces cut out of pictures as the network sees them, for it to be trained on."""

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
from webcam.sources.names import utf8_name

SIZE = (FACE_SIZE, FACE_SIZE)
UNREADABLE = "not a picture that OpenCV can read"
MEND = "convert it to PNG or JPEG, or remove it"


def check_readable(paths: list[Path]) -> None:
    """Raise UserError if OpenCV has no reader for some pictures, such as HEIC.

    This reads only their first bytes, before the work on all. If there are some, it reads all
    pictures, so that the error names the damaged ones too. Raises OSError without permission.
    """
    pictures = [path for path in paths if is_picture(path)]
    for path in pictures:
        path.open("rb").close()
    with quiet():
        known = all(cv2.haveImageReader(utf8_name(path)) for path in pictures)
    if not known:
        unread = [path for path in pictures if next(read_pictures(path, 1)) is None]
        fail(some_of(unread), UNREADABLE, MEND)


def crop_photo(path: Path, detector: Detector) -> tuple[np.ndarray | None, str]:
    """Return the largest face in a file, gray uint8 (48, 48), and a note if there are more.

    Or None and the reason. The crop is that of realtime.py, or a pixel or two apart in pictures of
    more than VIDEO_LINES. A picture of 48x48 pixels is a face already. Raises UserError when the
    picture can't be read.
    """
    if not is_picture(path):
        return None, "no picture"
    if count_pictures(path) > 1:
        return None, "several pictures in one file"
    (picture,) = read_pictures(path, 1)
    if picture is None:
        fail(path, UNREADABLE, MEND)
    gray = to_gray(picture)
    if gray.shape == SIZE:
        return gray, ""
    # Searching a phone's picture in full would spend most of the time on passers-by
    boxes = detector.detect(gray, VIDEO_LINES) or detector.detect(gray)
    if not boxes:
        return None, "no face"
    largest = max(boxes, key=lambda box: box[2])
    note = "several faces, the largest taken" if len(boxes) > 1 else ""
    return crop_face(gray, largest, SIZE), note
