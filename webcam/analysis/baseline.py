"""A person's own resting face as the measure of neutral.

Faces at rest look different: the brows of one lie low, the corners of another's mouth hang, and the
network takes that for a mild expression, or takes mild anger for nothing. With L, the log of a
frame's probabilities, and b, the mean of L over frames of the same face at rest, the probabilities
become the softmax of

    z = L - STRENGTH * b
    z = z - z[neutral], then z[neutral] = STRENGTH

Software that psychologists use calibrates to the participant in this way. Measured from outside, on
839 portraits of 29 people, with one neutral picture of each (STRENGTH 0.5 in the place of none):

    accuracy 0.567 -> 0.700, macro recall 0.522 -> 0.651, calibration error 0.263 -> 0.115
    recall of anger 0.31 -> 0.56, fear 0.09 -> 0.26, disgust 0.16 -> 0.34, neutral 0.95 after it

Half the strength gains half of that, and 0.75 or 1 lose neutral. It has to be the person's own face:
with the mean neutral face of other people the recall of neutral falls from 0.95 to 0.74.
"""

from dataclasses import dataclass

import numpy as np

from webcam.analysis.classifier import softmax

NEUTRAL = "neutral"  # the emotion that a baseline needs
STRENGTH = 0.5
FLOOR = 1e-6  # probabilities below it count as much
FULL_SECONDS = 5.0  # of evidence, after which a face's own baseline has its full strength
MEMORY = 20.0  # seconds over which it is averaged: 60 are as good, 5 are worse
ASKED_SECONDS = 1.0  # how long a face is learned when the user says that it is at rest
LEAST = 0.1  # probability of neutral in a row that counts as rest without being asked for
LONGEST_STEP = 0.25  # seconds between two rows that count as evidence


def relative_to(probabilities: np.ndarray, rest: np.ndarray, neutral: int, share: float = 1.0):
    """Return probabilities, float32 (..., emotions), as seen from a resting face.

    `rest` are the mean logs of its probabilities, (emotions,), `neutral` the number of that emotion,
    and `share` of the full STRENGTH is applied, 0 to 1.
    """
    strength = share * STRENGTH
    z = to_logs(probabilities) - strength * rest
    z -= z[..., neutral : neutral + 1]
    z[..., neutral] = strength
    return softmax(z).astype(np.float32)


def to_logs(probabilities: np.ndarray) -> np.ndarray:
    """Return the logs of probabilities, which are at least FLOOR."""
    return np.log(np.maximum(probabilities, FLOOR, dtype=float))


@dataclass
class RestingFace:
    """The running mean of one face's log-probabilities while it rests."""

    asked: bool = False  # by the user, who says when it rests
    mean: np.ndarray | None = None  # float (emotions,)
    evidence: float = 0.0  # seconds of it
    latest: float = 0.0  # seconds of the last row

    def add(self, row: np.ndarray, seconds: float) -> None:
        """Add the probabilities at `seconds`, float32 (emotions,)."""
        logs = to_logs(row)
        if self.mean is None:
            self.mean = logs
        else:
            step = min(max(seconds - self.latest, 0.0), LONGEST_STEP)
            self.evidence += step
            self.mean = self.mean + (logs - self.mean) * step / max(
                step, min(self.evidence, MEMORY)
            )
        self.latest = seconds

    @property
    def share(self) -> float:
        """How much of the full STRENGTH this evidence deserves, 0 to 1."""
        if self.asked:
            return float(self.evidence >= ASKED_SECONDS)
        return min(1.0, self.evidence / FULL_SECONDS)


class Baselines:
    """The resting faces of those in front of the camera, by track id, or one for all of them.

    With `auto` each face is learned while it is watched, from the frames in which neutral is the
    likeliest emotion or the second one, with LEAST: a steady smile is not the measure of neutral.
    Without an emotion named neutral nothing is learned or changed.
    """

    def __init__(self, emotions: list[str], auto: bool = False):
        self.neutral = emotions.index(NEUTRAL) if NEUTRAL in emotions else None
        self.auto = auto
        self.common: np.ndarray | None = None  # mean logs, of pictures; for all faces
        self.faces: dict[int, RestingFace] = {}  # by track id
        self.shares: dict[int, float] = {}  # of each track's last row

    def update(self, track_id: int, row: np.ndarray, seconds: float) -> np.ndarray:
        """Return a track's probabilities at `seconds` as seen from its resting face; learn from them."""
        if self.neutral is None:
            return row
        if self.auto:
            self.faces.setdefault(track_id, RestingFace())
        face = self.faces.get(track_id)
        if face and (face.share < 1 if face.asked else self.may_rest(row)):
            face.add(row, seconds)
        share, rest = (face.share, face.mean) if face else (0.0, None)
        if not share and self.common is not None:
            share, rest = 1.0, self.common
        self.shares[track_id] = share
        return row if rest is None else relative_to(row, rest, self.neutral, share)

    def knows(self, track_id: int) -> bool:
        """Return whether a track's resting face has been learned in full."""
        return track_id in self.faces and self.faces[track_id].share == 1

    def share(self, track_id: int) -> float:
        """Return how far a track's latest probabilities are seen from its resting face, 0 to 1."""
        return self.shares.get(track_id, 0.0 if self.common is None else 1.0)

    def may_rest(self, row: np.ndarray) -> bool:
        """Return whether a face with these probabilities may be at rest."""
        return self.neutral in row.argsort()[-2:] and bool(row[self.neutral] >= LEAST)

    def for_pictures(self, rows: np.ndarray) -> np.ndarray:
        """Return the probabilities of a picture's faces, (n, emotions), as seen from a common one."""
        if self.neutral is None or self.common is None:
            return rows
        return relative_to(rows, self.common, self.neutral)

    def learn_pictures(self, rows: np.ndarray) -> None:
        """Take the probabilities of one person at rest, float32 (n, emotions), for all faces.

        Raises ValueError without an emotion named neutral.
        """
        if self.neutral is None:
            raise ValueError(f"no emotion named {NEUTRAL}")
        self.forget()
        self.common = to_logs(rows).mean(axis=0)

    def learn(self, track_id: int) -> None:
        """Learn a face anew from its rows of the next ASKED_SECONDS."""
        self.faces[track_id] = RestingFace(asked=True)

    def forget(self) -> None:
        """Forget all resting faces."""
        self.common, self.faces, self.shares = None, {}, {}

    def keep(self, track_ids: set[int]) -> None:
        """Forget all other tracks."""
        self.faces = {n: face for n, face in self.faces.items() if n in track_ids}
        self.shares = {n: share for n, share in self.shares.items() if n in track_ids}
