"""Check that row i of FER-2013 and row i of FER+ show the same face.

The check compares FER-2013's own labels with FER+'s. Other people gave them, but both correlate.
"""

from pathlib import Path

import numpy as np

from common.errors import fail

LEAST_LABELS, LEAST_ROWS = 5, 200  # distinct own labels, and rows, that the comparison needs
# Mutual information of both labels, divided by the entropy of FER+'s labels. It is 0.46 in the real
# files and 0.00 in files that don't belong together
LEAST_SHARED = 0.1
# Mean of log p(both labels) - log p(one) - log p(other) over WINDOW rows. It is at least 0.17 in
# the real files, in any order of rows, and at most -0.5 if some rows are shuffled or shifted
WINDOW, LEAST_MEAN = 200, -0.05
LEAST_AGREEMENT = 0.4  # share of rows; the real files have 0.63
FLAT = 10  # faces of a single gray value that have FER+ votes; the real files have none
MEND = "download both again, and keep FER-2013's rows in order"


def check_alignment(
    fer: Path, ferplus: Path, own: np.ndarray, labels: np.ndarray, faces: np.ndarray
) -> None:
    """Raise UserError if the rows of two CSVs don't belong together.

    `own` are FER-2013's labels and `labels` those of FER+'s votes. Both are str (rows,), "" for
    none. `faces` are uint8 (rows, 48, 48). With fewer than LEAST_LABELS distinct own labels or
    LEAST_ROWS labelled rows, only empty faces can raise the error.
    """
    empty = np.flatnonzero((faces == faces[:, :1, :1]).all(axis=(1, 2)) & (labels != ""))
    if len(empty) >= FLAT:
        votes = f"votes for an emotion in {ferplus}"
        fail(fer, f"{len(empty)} empty faces, such as row {empty[0]}, have {votes}", MEND)
    known = np.flatnonzero((own != "") & (labels != ""))
    if len(known) < LEAST_ROWS or len(set(own[known])) < LEAST_LABELS:
        return
    scores, shared = association(own[known], labels[known])
    sums = np.cumsum([0.0, *scores])
    means = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    start = 0 if shared < LEAST_SHARED else int(means.argmin())
    if shared < LEAST_SHARED or means[start] < LEAST_MEAN:
        wrong = f"from row {known[start]} on, its labels agree with {ferplus} only by chance"
        fail(fer, wrong, MEND)


def association(own: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Return how much likelier than by chance each row's pair of labels is, and a mean of that.

    The first result is a log likelihood ratio, float (rows,). The second is its mean divided by the
    entropy of `labels`, 0 to 1, after subtracting the value that chance alone gives so few rows.
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
    """Return FER-2013's own labels, or "" for every row if the numbers stand for other emotions.

    In the second case, print a line. `own` and `labels` are as in `check_alignment`.
    """
    known = (own != "") & (labels != "")
    if not known.any() or (own == labels)[known].mean() >= LEAST_AGREEMENT:
        return own
    print(f"{fer}: the numbers in its emotion column are not FER-2013's; ignoring its own labels")
    return np.full_like(own, "")
