"""Compare each face with the same person's resting face.

Resting faces differ. One person has low brows, another has drooping corners of the mouth. The
network may take that for a mild expression, or may miss mild anger. Let L be the log of a frame's
probabilities, and b the mean of L over frames of the same face at rest. The probabilities become
the softmax of

    z = L - STRENGTH * b
    z = z - z[neutral], then z[neutral] = STRENGTH

Software for psychologists calibrates to the participant in the same way. An external test used 839
portraits of 29 people, with one neutral picture of each person:

                        no baseline   STRENGTH 0.5
    accuracy            0.567         0.700
    macro recall        0.522         0.651
    calibration error   0.263         0.115
    recall of anger     0.31          0.56
    recall of fear      0.09          0.26
    recall of disgust   0.16          0.34
    recall of neutral                 0.95

Half the strength gains half as much. Strengths of 0.75 and 1 lower the recall of neutral. The
resting face must be the person's own: with the mean neutral face of other people, the recall of
neutral falls from 0.95 to 0.74.
"""

from dataclasses import dataclass

import numpy as np

from webcam.analysis.classifier import softmax

NEUTRAL = "neutral"  # the emotion that a baseline needs
STRENGTH = 0.5
FLOOR = 1e-6  # smaller probabilities are raised to this value
FULL_SECONDS = 5.0  # of evidence until a face's own baseline has its full strength
MEMORY = 20.0  # seconds over which the baseline is averaged: 60 is as good, 5 is worse
ASKED_SECONDS = 1.0  # how long to learn a face after the user says that it is at rest
LEAST = 0.1  # minimum probability of neutral for a face to count as resting on its own
LONGEST_STEP = 0.25  # seconds of evidence that one row adds at most


def relative_to(probabilities: np.ndarray, rest: np.ndarray, neutral: int, share: float = 1.0):
    """Return probabilities, float32 (..., emotions), corrected for a resting face.

    `rest` holds the mean logs of the resting face's probabilities, (emotions,). `neutral` is the
    number of that emotion. `share`, 0 to 1, scales STRENGTH.
    """
    strength = share * STRENGTH
    z = to_logs(probabilities) - strength * rest
    z -= z[..., neutral : neutral + 1]
    z[..., neutral] = strength
    return softmax(z).astype(np.float32)


def to_logs(probabilities: np.ndarray) -> np.ndarray:
    """Return the logs of probabilities, raised to at least FLOOR."""
    return np.log(np.maximum(probabilities, FLOOR, dtype=float))


@dataclass
class RestingFace:
    """The running mean of one face's log-probabilities while it rests."""

    asked: bool = False  # whether the user said that the face is at rest
    mean: np.ndarray | None = None  # float (emotions,)
    evidence: float = 0.0  # seconds
    latest: float = 0.0  # time of the last row, in seconds

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
        """Return the share of STRENGTH that the evidence justifies, 0 to 1."""
        if self.asked:
            return float(self.evidence >= ASKED_SECONDS)
        return min(1.0, self.evidence / FULL_SECONDS)


class Baselines:
    """The resting faces of the people in front of the camera, by track id, or one for all of them.

    With `auto`, each face is learned from the video. A frame counts only if neutral is one of the
    two likeliest emotions and has a probability of at least LEAST, so that a steady smile does not
    become the baseline. Without an emotion named neutral, nothing is learned or changed.
    """

    def __init__(self, emotions: list[str], auto: bool = False):
        self.neutral = emotions.index(NEUTRAL) if NEUTRAL in emotions else None
        self.auto = auto
        self.common: np.ndarray | None = None  # mean logs learned from pictures, for all faces
        self.faces: dict[int, RestingFace] = {}  # by track id
        self.shares: dict[int, float] = {}  # by track id: the share in the track's last row

    def update(self, track_id: int, row: np.ndarray, seconds: float) -> np.ndarray:
        """Return a track's probabilities, corrected for its resting face; learn from them first.

        `seconds` is the time of the probabilities.
        """
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
        """Return whether a track's resting face is fully learned."""
        return track_id in self.faces and self.faces[track_id].share == 1

    def share(self, track_id: int) -> float:
        """Return how far the latest probabilities of a track were corrected, 0 to 1."""
        return self.shares.get(track_id, 0.0 if self.common is None else 1.0)

    def may_rest(self, row: np.ndarray) -> bool:
        """Return whether a face with these probabilities may be at rest."""
        return self.neutral in row.argsort()[-2:] and bool(row[self.neutral] >= LEAST)

    def for_pictures(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of a picture, (n, emotions), corrected for the common resting face."""
        if self.neutral is None or self.common is None:
            return rows
        return relative_to(rows, self.common, self.neutral)

    def learn_pictures(self, rows: np.ndarray) -> None:
        """Learn a resting face for all faces from probabilities, float32 (n, emotions).

        They are those of one person at rest. Raises ValueError if no emotion is named neutral.
        """
        if self.neutral is None:
            raise ValueError(f"the network has no emotion named {NEUTRAL}")
        self.forget()
        self.common = to_logs(rows).mean(axis=0)

    def learn(self, track_id: int) -> None:
        """Learn a face again from its rows of the next ASKED_SECONDS."""
        self.faces[track_id] = RestingFace(asked=True)

    def forget(self) -> None:
        """Forget all resting faces."""
        self.common, self.faces, self.shares = None, {}, {}

    def keep(self, track_ids: set[int]) -> None:
        """Forget all other tracks."""
        self.faces = {n: face for n, face in self.faces.items() if n in track_ids}
        self.shares = {n: share for n, share in self.shares.items() if n in track_ids}
