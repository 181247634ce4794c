"""Training targets from the shares of FER+'s votes, and labels for evaluation by each rule."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import fail, first_line
from network.data.faces import Faces, row_number

OWN = "fer2013"  # the rule that uses FER-2013's own labels
RULES = ["plurality", "majority", OWN]  # columns of labels in votes.csv


def load_votes(path: Path) -> pd.DataFrame | None:
    """Return votes.csv, indexed by the row of both CSVs, or None if it is missing.

    Raises UserError if data_preprocessing.py did not write it.
    """
    if not path.exists():
        return None
    try:
        votes = pd.read_csv(path, keep_default_na=False)
        votes.index = [row_number(Path(name)) for name in votes["image"]]
        votes = votes.assign(**{OWN: votes.get(OWN, "")})  # earlier versions lack this column
        counts = votes.drop(columns=["image", "usage", *RULES]).to_numpy(float)
        if not votes.index.is_unique or not counts.size or not (counts >= 0).all():
            raise ValueError("a repeated image, or votes that are not counts")
    except (ValueError, KeyError, TypeError, pd.errors.ParserError) as error:
        wrong = f"not a votes.csv from data_preprocessing.py ({first_line(error)})"
        fail(path, wrong, "run that script again")
    return votes


def soft_targets(
    faces: Faces, emotions: list[str], votes: pd.DataFrame | None, fer2013: float = 0.0
) -> np.ndarray:
    """Return the shares of the votes, float32 (n, emotions). Each row sums to 1.

    Drops single votes, unknown and NF. If a face or its folder's emotion has no votes, the target
    is the folder's emotion alone. FER-2013's own label gets the share `fer2013` of the row, if it
    is one of `emotions`.
    """
    targets = np.eye(len(emotions), dtype=np.float32)[faces.labels]
    if votes is None:
        return targets
    counts = votes.reindex(index=pd.Index(faces.rows), columns=emotions).to_numpy(np.float32)
    counts = np.where(counts > 1, counts, 0)  # NaN is a face or an emotion without votes
    total = counts.sum(axis=1, keepdims=True)
    voted_on = np.isin(emotions, votes.columns)[faces.labels][:, None]
    targets = np.where(voted_on & (total > 0), counts / np.maximum(total, 1), targets)
    own = votes[OWN].reindex(pd.Index(faces.rows)).to_numpy()[:, None] == np.array(emotions)
    share = np.where(own.any(axis=1, keepdims=True), np.float32(fer2013), np.float32(0))
    return (1 - share) * targets + share * own


def labels_by_rule(
    faces: Faces, emotions: list[str], votes: pd.DataFrame | None
) -> dict[str, np.ndarray]:
    """Return {rule: labels, str (n,)} for RULES, or only for "folder" if there are no votes.

    Leaves out a rule that gives no face one of `emotions`. A label may be "" or an unknown emotion.
    A face keeps its folder's label if it, or its folder's emotion, has no votes.
    """
    folder = np.array(emotions)[faces.labels]
    if votes is None:
        return {"folder": folder}
    rows = pd.Index(faces.rows)
    voted_on = rows.isin(votes.index) & np.isin(folder, votes.columns)
    if not voted_on.any():
        return {"folder": folder}
    by_rule = votes[RULES].reindex(rows)
    labels = {rule: np.where(voted_on, by_rule[rule], folder).astype(str) for rule in by_rule}
    return {rule: truth for rule, truth in labels.items() if np.isin(truth, emotions).any()}


def headline_rule(rules: Collection[str]) -> str:
    """Return the rule of the headline figure: majority if possible, as in published figures."""
    return next(rule for rule in ("majority", "plurality", "folder") if rule in rules)
