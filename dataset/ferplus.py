"""FER+'s votes and the two rules that make one label of them."""

import numpy as np

VOTES = [
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
]
EMOTIONS = VOTES[:8]  # the last two are no emotions; NF: not a face


def plurality(votes: np.ndarray) -> np.ndarray:
    """Return the emotion with most of the ten columns' votes, ties to the earlier column.

    "" for unknown and NF.
    """
    return np.where(votes.any(axis=1), np.array([*EMOTIONS, "", ""])[votes.argmax(axis=1)], "")


def majority(votes: np.ndarray) -> np.ndarray:
    """Return the emotion with more than half of the votes, votes of 1 counted as 0; "" where there
    is none.

    The rule behind published FER+ figures: Barsoum et al. 2016, arXiv:1608.01041.
    """
    votes = np.where(votes == 1, 0, votes)
    return np.where(2 * votes.max(axis=1) > votes.sum(axis=1), plurality(votes), "")
