"""Soft targets, and labels by both rules."""

from pathlib import Path

import numpy as np
import pandas as pd

from network.data.faces import Faces
from network.data.input import note_moved_faces
from network.data.targets import labels_by_rule, soft_targets


def test_soft_targets_drop_single_votes_and_faces_without_votes_keep_their_folder():
    votes = pd.DataFrame(
        {"anger": [6, 1, 0, 6], "fear": [2, 1, 0, 2], "NF": [5, 1, 0, 0]}, index=[3, 4, 5, 6]
    ).assign(fer2013=["fear", "anger", "happiness", ""])
    names = [
        "row00003.png",
        "00009_row00004_contrast.png",
        "row00005.png",
        "me.png",
        "row00006.png",
    ]
    faces = Faces(
        np.zeros((5, 48, 48, 1)), np.array([0, 1, 1, 1, 2]), [Path(name) for name in names], {}
    )
    targets = soft_targets(faces, ["anger", "fear", "tired"], votes)
    assert targets.tolist() == [[0.75, 0.25, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert targets.dtype == np.float32
    # A quarter is FER-2013's own label, if the face has one of these emotions
    targets = soft_targets(faces, ["anger", "fear", "tired"], votes, 0.25)
    mixed = [[0.5625, 0.4375, 0], [0.25, 0.75, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert targets.tolist() == mixed and targets.dtype == np.float32


def test_labels_of_faces_sorted_into_emotions_that_the_votes_lack_are_their_folders():
    """If the votes lack all emotions, the rule is `folder`.

    If they lack some, FER+'s label counts for faces in a folder that FER+ knows.
    """
    votes = pd.DataFrame(
        {"plurality": ["anger", "fear"], "majority": ["anger", ""], "anger": [9, 4], "fear": [0, 5]}
    ).assign(fer2013=["fear", "neutral"])
    paths = [
        Path("row00000.png"),
        Path("row00001.png"),
        Path("row00001_contrast.png"),
        Path("me.png"),
    ]
    faces = Faces(np.zeros((4, 48, 48, 1)), np.array([1, 1, 0, 0]), paths, {})
    assert [*labels_by_rule(faces, ["happy", "tired"], votes)] == ["folder"]
    rules = {
        rule: labels.tolist()
        for rule, labels in labels_by_rule(faces, ["fear", "tired"], votes).items()
    }
    assert rules == {
        "plurality": ["tired", "tired", "fear", "fear"],
        "majority": ["tired", "tired", "", "fear"],
        "fer2013": ["tired", "tired", "neutral", "fear"],
    }


def test_faces_that_were_moved_to_another_folder_are_counted(capsys):
    """Two faces are in neither rule's folder.

    One is in the folder of one rule, and one has no votes.
    """
    votes = pd.DataFrame(
        {"plurality": ["anger"] * 3, "majority": ["anger", "fear", ""], "anger": 6, "fear": 4}
    ).assign(fer2013="fear")
    names = ["row00000.png", "row00001.png", "row00002.png", "me.png"]
    paths = [Path(name) for name in names]
    faces = Faces(np.zeros((4, 48, 48, 1)), np.array([1, 1, 1, 1]), paths, {})
    note_moved_faces(faces, ["anger", "fear"], votes)
    said = capsys.readouterr().out
    assert said.startswith("2 training faces are not in the folder of their FER+ votes")
    faces = Faces(np.zeros((4, 48, 48, 1)), np.array([0, 0, 0, 1]), paths, {})
    note_moved_faces(faces, ["anger", "fear"], votes)
    assert not capsys.readouterr().out
