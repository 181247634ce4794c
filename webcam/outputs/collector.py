"""Save faces by emotion, as training data for a network of your own."""

import contextlib
import itertools
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
INTERVAL = 0.5  # minimum seconds between two faces that are saved automatically


class Collector(Sink):
    """Saves the largest face of a frame as FOLDER/<emotion>/face-….png, cropped for the network.

    A key calls `save`. As a sink, the collector saves a face of the first emotion every INTERVAL
    seconds.
    """

    def __init__(self, folder: Path, emotions: list[str]):
        super().__init__()
        self.folder = folder
        self.emotions = [emotion for emotion in emotions if is_folder_name(emotion)]
        self.latest = -math.inf  # time of the last frame whose face was saved automatically
        self.saved: list[Path] = []

    @property
    def counts(self) -> Counter[str]:
        """Return the number of saved faces by emotion."""
        return Counter(path.parent.name for path in self.saved)

    @property
    def keys(self) -> dict[str, str]:
        """Return the emotion for each of the keys 1 to 9."""
        return {str(number): name for number, name in enumerate(self.emotions[:MOST_KEYS], 1)}

    def report(self) -> list[str]:
        """Return a line with the number of saved faces."""
        if not self.saved:
            return []
        faces = plural(self.counts.total(), "face")
        each = ", ".join(f"{emotion} {n:,}" for emotion, n in sorted(self.counts.items()))
        return [f"{self.folder}: {faces}: {each}"]

    def close(self) -> None:
        if not self.saved:
            self.notes = [f"{self.folder}: no face found to save"]

    def write(self, frame: Frame | Picture, faces: list[Face]) -> None:
        """Save a face of every picture, or a frame's face every INTERVAL seconds."""
        if isinstance(frame, Picture):
            self.save(frame, faces, self.emotions[0])
        elif frame.seconds - self.latest >= INTERVAL and self.save(frame, faces, self.emotions[0]):
            self.latest = frame.seconds

    def save(self, frame: Frame | Picture, faces: list[Face], emotion: str) -> bool:
        """Save the largest face in a frame; return whether there was one. Raises OSError."""
        face = largest(faces)
        if face is None:
            return False
        crop = crop_face(to_gray(frame.image), face.square, (FACE_SIZE, FACE_SIZE))
        folder = self.folder / emotion
        folder.mkdir(parents=True, exist_ok=True)
        path = free_path(folder / f"face-{datetime.now():%Y%m%d-%H%M%S-%f}.png")
        write_image(path, crop)
        self.saved.append(path)
        return True

    def undo(self) -> str | None:
        """Remove the last saved face; return its emotion, or None. Raises OSError."""
        if not self.saved:
            return None
        self.saved[-1].unlink(missing_ok=True)
        folder = self.saved.pop().parent
        with contextlib.suppress(OSError):  # the folder is not empty
            folder.rmdir()
        return folder.name


def free_path(path: Path) -> Path:
    """Return a path, or with `-2`, `-3` … in its name if it exists: some clocks tick slowly."""
    names = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(name for name in itertools.chain([path], names) if not name.exists())


def open_collector(
    folder: Path | None, emotions: list[str], window: bool, sources: list[Path]
) -> Collector:
    """Return a collector for `folder`, or for DEFAULT if it is None.

    Raises UserError if faces can't be saved there, if the folder holds a source, or if there is no
    window and not exactly one emotion.
    """
    if folder is None:
        return Collector(DEFAULT, emotions)
    if not window and len(emotions) != 1:
        fail("--collect", "saves one emotion per run without a window", "name it with --emotions")
    utf8_name(folder)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        fail(folder, "faces can't be saved there", "choose another --collect")
    if any(source.resolve().parent.parent == folder.resolve() for source in sources):
        fail(folder, "contains the source files", "choose another --collect")
    return Collector(folder, emotions)


def is_folder_name(text: str) -> bool:
    """Return whether a text is a valid name for an emotion and for a visible folder."""
    return is_label(text) and text.strip(".") == text and not set(text) & set('/\\:*?"<>|')
