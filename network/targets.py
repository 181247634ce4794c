"""What a face is trained towards and judged by.

Shares of FER+'s votes, and labels by either rule.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import fail, first_line
from network.faces import Faces, row_number


def read_votes(path: Path) -> pd.DataFrame | None:
    """Return votes.csv with the row of both CSVs as its index, or None where the file is not there."""
    if not path.exists():
        return None
    try:
        votes = pd.read_csv(path, keep_default_na=False)
        votes.index = [row_number(Path(name)) for name in votes["image"]]
        counts = votes.drop(columns=["image", "usage", "plurality", "majority"]).to_numpy(float)
        if not votes.index.is_unique or not counts.size or not (counts >= 0).all():
            raise ValueError("an image twice, or votes that are none")
    except (ValueError, KeyError, TypeError, pd.errors.ParserError) as error:
        fail(
            f"{path}: not the votes.csv of data_preprocessing.py ({first_line(error)}); run that again"
        )
    return votes


def soft_targets(faces: Faces, emotions: list[str], votes: pd.DataFrame | None) -> np.ndarray:
    """Return the shares of the votes, float32 (n, emotions): single votes, unknown and NF dropped,
    the sum 1.

    A face without votes, or in a folder that FER+ had no votes for, has its folder's emotion alone.
    """
    targets = np.eye(len(emotions), dtype=np.float32)[faces.labels]
    if votes is None:
        return targets
    rows = pd.Index([row_number(path) for path in faces.paths])
    shares = votes.reindex(index=rows, columns=emotions).to_numpy(np.float32)
    # NaN, a face or an emotion without votes, becomes 0 too
    shares = np.where(shares > 1, shares, 0)
    total = shares.sum(axis=1, keepdims=True)
    voted_on = np.isin(emotions, votes.columns)[faces.labels][:, None]
    return np.where(voted_on & (total > 0), shares / np.maximum(total, 1), targets)


def labels_by_rule(
    faces: Faces, emotions: list[str], votes: pd.DataFrame | None
) -> dict[str, np.ndarray]:
    """Return {rule: the faces' labels}, "" or an emotion unknown to the network where a face has
    none by the rule.

    A face without votes, or in a folder that FER+ had no votes for, has its folder's; where that
    goes for all, the only rule is `folder`. The last rule is majority, the one behind published
    figures, where there are votes.
    """
    folder = np.array(emotions)[faces.labels]
    rows = pd.Index([row_number(path) for path in faces.paths])
    if (
        votes is None
        or not (voted_on := rows.isin(votes.index) & np.isin(folder, votes.columns)).any()
    ):
        return {"folder": folder}
    by_rule = votes[["plurality", "majority"]].reindex(rows)
    return {rule: np.where(voted_on, by_rule[rule], folder).astype(str) for rule in by_rule}
