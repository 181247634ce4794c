"""Check that row i of FER-2013 and row i of FER+ show the same face.

FER-2013's own labels tell: other people gave them, but they agree with FER+'s for 63 % of the faces,
where chance would give 18 %.
"""

from pathlib import Path

import numpy as np

from common.errors import fail

BLOCK, LEAST = 500, 100  # rows that are judged together, and the fewest that can be judged
# Agreement over what chance would give. In blocks of the real files it is 1.8 at least, in whatever
# order both are sorted. In blocks of files that don't belong together it is 1.5 at most
LEAST_RATIO = 1.6
# The share of what chance leaves open (Cohen's kappa), at most 0.06 in such files. It saves files in
# which one emotion is so frequent that chance alone agrees often
LEAST_KAPPA = 0.2
FLAT = 10  # faces of one gray value that FER+ has votes for: in the real files there is none


def check_alignment(
    fer: Path, ferplus: Path, own: np.ndarray, labels: np.ndarray, faces: np.ndarray
) -> None:
    """Raise UserError if the rows of two CSVs don't belong together.

    `own` are FER-2013's labels, `labels` those of FER+'s votes, both str (rows,), "" for none;
    `faces` are uint8 (rows, 48, 48). Some copies of FER-2013 have the same number in all rows: then
    only empty faces can tell.
    """
    mend = "keep FER-2013's rows in their order: download both again"
    empty = np.flatnonzero((faces == faces[:, :1, :1]).all(axis=(1, 2)) & (labels != ""))
    if len(empty) >= FLAT:
        wrong = (
            f"{len(empty)} empty faces, as row {empty[0]}, have votes for an emotion in {ferplus}"
        )
        fail(fer, wrong, mend)
    known = np.flatnonzero((own != "") & (labels != ""))
    own, labels = own[known], labels[known]
    names, shares = np.unique(labels, return_counts=True)
    chance = dict(zip(names, shares / len(labels)))
    if len(set(own)) < 2:
        return
    for start in range(0, len(known), BLOCK):
        rows = slice(start, start + BLOCK)
        agreement = (own[rows] == labels[rows]).mean()
        by_chance = np.mean([chance.get(name, 0.0) for name in own[rows]])
        by_luck = agreement < LEAST_RATIO * by_chance
        by_luck = by_luck and agreement - by_chance < LEAST_KAPPA * (1 - by_chance)
        if by_luck and len(known[rows]) >= LEAST:
            first, last = known[rows][[0, -1]]
            wrong = (
                f"its labels and those of {ferplus} agree by chance alone in rows {first} to {last}"
            )
            fail(fer, wrong, mend)
