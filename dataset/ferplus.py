"""FER+'s votes, and the two rules that turn them into one label."""

from pathlib import Path

import numpy as np
import pandas as pd

EMOTIONS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
OTHER_NAMES = {  # of the same emotions, in names of folders, including Kaggle's
    "angry": "anger",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}
VOTES = [*EMOTIONS, "unknown", "NF"]  # the ten columns, in order; NF means not a face


def plurality(votes: np.ndarray) -> np.ndarray:
    """Return each row's emotion with the most votes, str (rows,); "" for unknown, NF and no votes.

    `votes` are int (rows, 10) in the order of VOTES. The earlier column wins a tie.
    """
    return np.where(votes.any(axis=1), np.array([*EMOTIONS, "", ""])[votes.argmax(axis=1)], "")


def majority(votes: np.ndarray) -> np.ndarray:
    """Return each row's emotion with more than half of the votes, str (rows,), "" for none.

    A single vote counts as 0. Published FER+ figures use this rule (arXiv:1608.01041).
    """
    votes = np.where(votes == 1, 0, votes)
    return np.where(2 * votes.max(axis=1) > votes.sum(axis=1), plurality(votes), "")


def write_votes(
    path: Path,
    names: list[str],
    rows: np.ndarray,
    usage: np.ndarray,
    votes: np.ndarray,
    labels: dict[str, np.ndarray],
) -> None:
    """Write votes.csv with a line for each of `rows`.

    `names` are the file names of all rows. `labels` are {rule: str (n,)}.
    """
    table = pd.DataFrame({"image": [names[row] for row in rows], "usage": usage[rows]})
    table[VOTES] = votes[rows]
    for rule, by_rule in labels.items():
        table[rule] = by_rule[rows]
    table.to_csv(path, index=False, lineterminator="\n")
