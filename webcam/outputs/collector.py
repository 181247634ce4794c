"""Faces from the screen onto the disk, by emotion, for a network of one's own to be trained on."""

import contextlib
import math
import os
from collections import Counter
from datetime import datetime
from pathlib import Path

from common.console import plural
from common.errors import fail
from common.faces import FACE_SIZE
from common.labels import is_label
from webcam.analysis.analyzer import Face, largest, to_gray
from webcam.analysis.classifier import crop_face
from webcam.outputs.images import write_image
from webcam.outputs.sink import Sink
from webcam.sources.frame import Frame, Picture
from webcam.sources.names import utf8_name

DEFAULT = Path("data/collected")
MOST_KEYS = 9
INTERVAL = 0.5  # seconds at least between two faces that are saved unasked


class Collector(Sink):
    """Saves the largest face of a frame as FOLDER/<emotion>/face-….png, as the network sees it.

    A key does so with `save`. As a sink it saves one every INTERVAL seconds, as the first emotion.
    """

    def __init__(self, folder: Path, emotions: list[str]):
        super().__init__()
        self.folder = folder
        self.emotions = [emotion for emotion in emotions if is_folder_name(emotion)]
        self.latest = -math.inf  # seconds of the last frame that gave a face unasked
        self.saved: list[Path] = []

    @property
    def counts(self) -> Counter[str]:
        """The number of faces saved, by emotion."""
        return Counter(path.parent.name for path in self.saved)

    @property
    def keys(self) -> dict[str, str]:
        """The keys that save a face, and its emotion: 1 to 9."""
        return {str(number): name for number, name in enumerate(self.emotions[:MOST_KEYS], 1)}

    def report(self) -> list[str]:
        """Return what was saved, in a line."""
        if not self.saved:
            return []
        faces = plural(self.counts.total(), "face")
        each = ", ".join(f"{emotion} {n:,}" for emotion, n in sorted(self.counts.items()))
        return [f"{self.folder}: {faces}: {each}"]

    def close(self) -> None:
        if not self.saved:
            self.notes = [f"{self.folder}: no face was found that could be saved"]

    def write(self, frame: Frame | Picture, faces: list[Face]) -> None:
        """Save a face now and then, and one of every picture."""
        if isinstance(frame, Picture):
            self.save(frame, faces, self.emotions[0])
        elif frame.seconds - self.latest >= INTERVAL and self.save(frame, faces, self.emotions[0]):
            self.latest = frame.seconds

    def save(self, frame: Frame | Picture, faces: list[Face], emotion: str) -> bool:
        """Save the largest face found in a frame; return whether there was one. Raises OSError."""
        face = largest(faces)
        if face is None:
            return False
        crop = crop_face(to_gray(frame.image), face.square, (FACE_SIZE, FACE_SIZE))
        folder = self.folder / emotion
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"face-{datetime.now():%Y%m%d-%H%M%S-%f}.png"
        write_image(path, crop)
        self.saved.append(path)
        return True

    def undo(self) -> str | None:
        """Remove the face saved last, and return its emotion; None if there is none. Raises OSError."""
        if not self.saved:
            return None
        self.saved[-1].unlink(missing_ok=True)
        folder = self.saved.pop().parent
        with contextlib.suppress(OSError):  # of one that is not empty
            folder.rmdir()
        return folder.name


def open_collector(
    folder: Path | None, emotions: list[str], window: bool, sources: list[Path]
) -> Collector:
    """Return the collector of faces into a folder, DEFAULT if that is None.

    Raises UserError when faces can't be saved there, when it holds a source, or when their emotion
    is not known.
    """
    if folder is None:
        return Collector(DEFAULT, emotions)
    if not window and len(emotions) != 1:
        fail("--collect", "without a window it takes one emotion a run", "give that to --emotions")
    utf8_name(folder)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        fail(folder, "faces can't be saved there", "choose another --collect")
    if any(source.resolve().parent.parent == folder.resolve() for source in sources):
        fail(folder, "holds the sources themselves", "choose another --collect")
    return Collector(folder, emotions)


def is_folder_name(text: str) -> bool:
    """Return whether an emotion can have this name, and a folder too, without being hidden."""
    return is_label(text) and text.strip(".") == text and not set(text) & set('/\\:*?"<>|')
