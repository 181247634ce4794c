"""Faces from the screen onto the disk, by emotion, for a network of one's own to be trained on."""

from collections import Counter
from datetime import datetime
from pathlib import Path

from common.errors import fail
from common.faces import FACE_SIZE
from webcam.analyzer import Face, to_gray
from webcam.classifier import crop_face
from webcam.frame import Frame
from webcam.writers import write_image

DEFAULT = Path("data/collected")
MOST_KEYS = 9
INTERVAL = 0.5  # seconds at least between two faces that are saved unasked


class Collector:
    """Saves the largest face of a frame as FOLDER/<emotion>/face-….png, as the network sees it.

    With `unasked` as the first of the emotions, now and then.
    """

    def __init__(self, folder: Path, emotions: list[str], unasked: bool):
        self.folder, self.unasked = folder, unasked
        self.emotions = [emotion for emotion in emotions if is_folder_name(emotion)]
        self.latest: float | None = None  # seconds of the last frame that it took one from
        self.counts: Counter[str] = Counter()  # of faces saved

    @property
    def keys(self) -> dict[str, str]:
        """The keys that save a face, and its emotion: 1 to 9."""
        return {str(number): name for number, name in enumerate(self.emotions[:MOST_KEYS], 1)}

    @property
    def written(self) -> list[str]:
        """What was saved, as text."""
        if not self.counts:
            return []
        each = ", ".join(f"{emotion} {n:,}" for emotion, n in sorted(self.counts.items()))
        return [f"{self.folder}: {self.counts.total():,} faces: {each}"]

    def watch(self, frame: Frame, faces: list[Face]) -> None:
        """Save a face now and then, one of every picture, if that was not left to the keys."""
        seconds = frame.seconds
        soon = None not in (seconds, self.latest) and seconds - self.latest < INTERVAL
        if self.unasked and faces and not soon:
            self.save(frame, faces, self.emotions[0])
            self.latest = seconds

    def save(self, frame: Frame, faces: list[Face], emotion: str) -> None:
        """Save the largest of a frame's faces, of which there is one at least. Raises OSError."""
        square = max((face.square for face in faces), key=lambda square: square[2])
        crop = crop_face(to_gray(frame.picture), square, (FACE_SIZE, FACE_SIZE))
        folder = self.folder / emotion
        folder.mkdir(parents=True, exist_ok=True)
        write_image(folder / f"face-{datetime.now():%Y%m%d-%H%M%S-%f}.png", crop)
        self.counts[emotion] += 1


def open_collector(folder: Path | None, emotions: list[str], window: bool) -> Collector:
    """Return what saves faces into a folder, or into DEFAULT if that is None.

    Without a window it does so unasked, if a folder is given. Raises UserError when that is none,
    or what the faces show is not known then.
    """
    if folder and folder.exists() and not folder.is_dir():
        fail(f"{folder}: a file; give a folder to --collect")
    if folder and not window and len(emotions) != 1:
        fail("--collect: without a window it takes one emotion a run; give that to --emotions")
    return Collector(folder or DEFAULT, emotions, folder is not None and not window)


def is_folder_name(text: str) -> bool:
    """Return whether a folder below another one can have this name, and is not hidden."""
    return bool(text.strip()) and text[0] != "." and not set(text) & set('/\\:*?"<>|\0')
