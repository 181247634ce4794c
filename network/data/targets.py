"""What a face is trained towards, and judged by: shares of FER+'s votes, labels by either rule."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import fail, first_line
from network.data.faces import Faces, row_number


def load_votes(path: Path) -> pd.DataFrame | None:
    """Return votes.csv, the row of both CSVs as its index, or None where there is no such file.

    Raises UserError when it is not what data_preprocessing.py writes.
    """
    if not path.exists():
        return None
    try:
        votes = pd.read_csv(path, keep_default_na=False)
        votes.index = [row_number(Path(name)) for name in votes["image"]]
        counts = votes.drop(columns=["image", "usage", "plurality", "majority"]).to_numpy(float)
        if not votes.index.is_unique or not counts.size or not (counts >= 0).all():
            raise ValueError("an image twice, or votes that are none")
    except (ValueError, KeyError, TypeError, pd.errors.ParserError) as error:
        wrong = f"not the votes.csv of data_preprocessing.py ({first_line(error)})"
        fail(path, wrong, "run that again")
    return votes


def soft_targets(faces: Faces, emotions: list[str], votes: pd.DataFrame | None) -> np.ndarray:
    """Return the shares of the votes, float32 (n, emotions), each row's sum 1.

    Single votes, unknown and NF are dropped. A face without votes, or in a folder that FER+ had no
    votes for, has its folder's emotion alone.
    """
    targets = np.eye(len(emotions), dtype=np.float32)[faces.labels]
    if votes is None:
        return targets
    counts = votes.reindex(index=pd.Index(faces.rows), columns=emotions).to_numpy(np.float32)
    counts = np.where(counts > 1, counts, 0)  # NaN, a face or an emotion without votes, too
    total = counts.sum(axis=1, keepdims=True)
    voted_on = np.isin(emotions, votes.columns)[faces.labels][:, None]
    return np.where(voted_on & (total > 0), counts / np.maximum(total, 1), targets)


def labels_by_rule(
    faces: Faces, emotions: list[str], votes: pd.DataFrame | None
) -> dict[str, np.ndarray]:
    """Return {rule: labels, str (n,)} of the rules by which some face has one of `emotions`.

    Where there are votes: plurality and majority. A label is "", or an emotion that the network
    does not know, where a face has none by the rule. A face without votes, or in a folder that FER+
    had no votes for, has its folder's; where that goes for all, the only rule is `folder`.
    """
    folder = np.array(emotions)[faces.labels]
    if votes is None:
        return {"folder": folder}
    rows = pd.Index(faces.rows)
    voted_on = rows.isin(votes.index) & np.isin(folder, votes.columns)
    if not voted_on.any():
        return {"folder": folder}
    by_rule = votes[["plurality", "majority"]].reindex(rows)
    labels = {rule: np.where(voted_on, by_rule[rule], folder).astype(str) for rule in by_rule}
    return {rule: truth for rule, truth in labels.items() if np.isin(truth, emotions).any()}


def headline_rule(rules: Collection[str]) -> str:
    """Return the rule of the one figure that is given: majority, as for published ones, if known."""
    return next(rule for rule in ("majority", "plurality", "folder") if rule in rules)
