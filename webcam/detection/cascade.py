"""Load OpenCV's Haar cascades."""

from pathlib import Path

import cv2

from common.errors import fail

FRONTAL, SECOND, PROFILE = (
    f"haarcascade_{name}.xml" for name in ("frontalface_default", "frontalface_alt2", "profileface")
)


def load_cascade(name: str = FRONTAL) -> "cv2.CascadeClassifier":
    """Return one of OpenCV's cascades. Raises UserError if OpenCV has none, like OpenCV 5."""
    install = "-r requirements-webcam.txt`"
    if not hasattr(cv2, "CascadeClassifier"):
        mend = f"run `pip install {install}, or set --detector to a YuNet model"
        fail(f"OpenCV {cv2.__version__}", "has no Haar cascades", mend)
    path = Path(cv2.data.haarcascades) / name  # type: ignore[attr-defined]
    cascade = cv2.CascadeClassifier()
    try:
        # Pass the text, not the path: on Windows, OpenCV decodes paths in the system's code page
        text = path.read_text(encoding="utf-8")
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        read = cascade.read(storage.getFirstTopLevelNode())
    except (OSError, UnicodeDecodeError, cv2.error):
        read = False
    if not read:
        fail(path, "can't be read", f"run `pip install --force-reinstall {install}")
    return cascade
