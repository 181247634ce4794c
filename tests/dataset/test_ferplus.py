"""The two label rules."""

import numpy as np

from dataset.ferplus import majority, plurality


def test_plurality_takes_the_earlier_of_two_equal_columns_and_drops_unknown_and_nf():
    votes = np.array(
        [
            [4, 4, 2, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 5, 5, 0],
            [1, 0, 0, 0, 0, 0, 0, 0, 9, 0],
            [3, 0, 0, 0, 0, 0, 0, 0, 0, 7],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
    )
    assert plurality(votes).tolist() == ["neutral", "contempt", "", "", ""]


def test_majority_drops_single_votes_and_needs_more_than_half():
    votes = np.array(
        [
            [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],  # exactly half
            [4, 3, 1, 1, 1, 0, 0, 0, 0, 0],  # 4 of 7 after single votes are dropped
            [0, 0, 0, 4, 3, 3, 0, 0, 0, 0],  # 4 of 10
            [2, 0, 0, 0, 0, 0, 0, 0, 8, 0],  # unknown
            [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],  # nothing left
        ]
    )
    assert majority(votes).tolist() == ["", "neutral", "", "", ""]
