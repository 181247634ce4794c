"""Earlier trained networks as teachers: which may teach, and how far they were calibrated."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import fail, first_line
from network.training.checkpoint import digest


@dataclass(frozen=True)
class Teacher:
    """A model folder whose network may teach, and how far that was calibrated after training."""

    folder: Path
    temperature: float
    offsets: np.ndarray  # float (emotions,), what was taken from its logits
    digest: str  # of its files


def read_teachers(
    folders: list[Path], val_digest: str | None, emotions: list[str]
) -> list[Teacher]:
    """Return the teachers in some model folders of train.py.

    Raises UserError for one that may have seen validation faces, since it was trained on another
    split or went on from a network that may have been, or that has other emotions. `val_digest` is
    that of the validation faces, None where it does not matter.
    """
    teachers = []
    for folder in folders:
        try:
            stage = json.loads((folder / "stage.json").read_text(encoding="utf-8"))
            metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
            labels = (folder / "labels.txt").read_text(encoding="utf-8-sig").splitlines()
            files = [(folder / name).read_bytes() for name in ("emotion.keras", "metrics.json")]
            faces = stage["arguments"]["faces"]
            left_out = faces["val"]
            temperature = float(metrics["temperature"])
            offsets = np.array([metrics["logit_offsets"][emotion] for emotion in labels], float)
        except (OSError, ValueError, KeyError, TypeError) as error:
            what = f"no network of train.py that tells its faces ({first_line(error)})"
            fail(f"{folder}: {what}; train it again, or leave it out of --teachers")
        if labels != emotions:
            mend = "give --teachers that know the same"
            fail(f"{folder}: knows {', '.join(labels)}, not {', '.join(emotions)}; {mend}")
        if val_digest and left_out != val_digest:
            what = "was trained on another split, so it may have seen validation faces"
            fail(f"{folder}: {what}; train it on this one, or leave it out of --teachers")
        if val_digest and "start" in faces:
            what = "went on from another network, which may have seen validation faces"
            fail(f"{folder}: {what}; train it without --start-from, or leave it out of --teachers")
        teachers.append(
            Teacher(
                folder,
                temperature,
                offsets,
                digest(*(np.frombuffer(file, np.uint8) for file in files)),
            )
        )
    return teachers
