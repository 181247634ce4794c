"""FER+'s votes, and the two rules that make one label of them."""

from pathlib import Path

import numpy as np
import pandas as pd

EMOTIONS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
VOTES = [*EMOTIONS, "unknown", "NF"]  # the ten columns in their order; NF: not a face


def plurality(votes: np.ndarray) -> np.ndarray:
    """Return each row's column with most votes, str (rows,); "" for unknown, NF and no votes.

    `votes` are int (rows, 10) in the order of VOTES. Ties go to the earlier column.
    """
    return np.where(votes.any(axis=1), np.array([*EMOTIONS, "", ""])[votes.argmax(axis=1)], "")


def majority(votes: np.ndarray) -> np.ndarray:
    """Return the emotion with more than half of each row's votes, str (rows,), "" for none.

    Votes of 1 count as 0. This is the rule of published FER+ figures (arXiv:1608.01041).
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

    `names` are the files of all rows, `labels` those by each rule: {rule: str (n,)}.
    """
    table = pd.DataFrame({"image": [names[row] for row in rows], "usage": usage[rows]})
    table[VOTES] = votes[rows]
    for rule, by_rule in labels.items():
        table[rule] = by_rule[rows]
    table.to_csv(path, index=False, lineterminator="\n")
