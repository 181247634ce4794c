"""Check that row i of FER-2013 and row i of FER+ show the same face.

FER-2013's own labels tell: other people gave them, but they depend on FER+'s labels.
"""

from pathlib import Path

import numpy as np

from common.errors import fail

LEAST_LABELS, LEAST_ROWS = 5, 200  # kinds of own labels, and rows, from which the labels tell
# Mutual information of both labels over the entropy of FER+'s: 0.46 in the real files, 0.00 in files
# that don't belong together
LEAST_SHARED = 0.1
# Mean of log p(both labels) - log p(one) - log p(other) over so many rows: at least 0.17 in the real
# files, however they are sorted, at most -0.5 where rows of them are shuffled or shifted
WINDOW, LEAST_MEAN = 200, -0.05
LEAST_AGREEMENT = 0.4  # of rows; it is 0.63 in the real files
FLAT = 10  # faces of one gray value that FER+ has votes for: in the real files there is none
MEND = "keep FER-2013's rows in their order: download both again"


def check_alignment(
    fer: Path, ferplus: Path, own: np.ndarray, labels: np.ndarray, faces: np.ndarray
) -> None:
    """Raise UserError if the rows of two CSVs don't belong together.

    `own` are FER-2013's labels, `labels` those of FER+'s votes, both str (rows,), "" for none;
    `faces` are uint8 (rows, 48, 48). Without at least LEAST_LABELS own labels only empty faces tell.
    """
    empty = np.flatnonzero((faces == faces[:, :1, :1]).all(axis=(1, 2)) & (labels != ""))
    if len(empty) >= FLAT:
        votes = f"votes for an emotion in {ferplus}"
        fail(fer, f"{len(empty)} empty faces, as row {empty[0]}, have {votes}", MEND)
    known = np.flatnonzero((own != "") & (labels != ""))
    if len(known) < LEAST_ROWS or len(set(own[known])) < LEAST_LABELS:
        return
    scores, shared = association(own[known], labels[known])
    sums = np.cumsum([0.0, *scores])
    means = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    start = 0 if shared < LEAST_SHARED else int(means.argmin())
    if shared < LEAST_SHARED or means[start] < LEAST_MEAN:
        rows = f"from row {known[start]} on"
        fail(fer, f"{rows} its labels and those of {ferplus} agree by chance alone", MEND)


def association(own: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Return how much likelier than by chance each pair of labels is, in logs, float (rows,).

    And the mean of that over the entropy of `labels`, 0 to 1, less what chance gives so few rows.
    """
    _, a = np.unique(own, return_inverse=True)
    _, b = np.unique(labels, return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1 / len(own))
    by_chance = table.sum(axis=1, keepdims=True) * table.sum(axis=0)
    scores = np.log(0.98 * table / by_chance + 0.02)[a, b]  # no pair is impossible
    shares = table.sum(axis=0)
    entropy = -(shares * np.log(shares)).sum()
    excess = (table.shape[0] - 1) * (table.shape[1] - 1) / (2 * len(own))
    return scores, float((scores.mean() - excess) / max(entropy, 1e-9))


def usable_labels(fer: Path, own: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return FER-2013's own labels, or "" for all if their numbers mean something else.

    Prints a line then. `own` and `labels` are those of `check_alignment`.
    """
    known = (own != "") & (labels != "")
    if not known.any() or (own == labels)[known].mean() >= LEAST_AGREEMENT:
        return own
    print(
        f"{fer}: the numbers in its column emotion are not FER-2013's; its own labels are left out"
    )
    return np.full_like(own, "")
