"""Read and check the faces that a network trains on and is evaluated on, and compute digests."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import fail
from dataset.stage import read_stage
from network.data.faces import Faces, check_leakage, has_test, load_sets, without_known
from network.data.targets import OWN, labels_by_rule, load_votes, soft_targets
from network.digests import check_network, digest, digest_network
from network.recipe import Recipe

# With fewer faces or steps, a network hardly learns anything
FEW_FACES, FEW_FACES_TO_START_FROM = 60, 10  # faces of an emotion, without and with --start-from
FEW_STEPS = 150  # in the whole run
# With this many faces of the rarest emotion, --start-from trains by epochs (docs/measurements.md)
MANY_FACES = 1000


@dataclass(frozen=True)
class Paths:
    """The files and folders of a run. `test` may be None, and the votes file may be missing."""

    train: Path
    val: Path
    test: Path | None
    votes: Path
    out: Path


@dataclass
class Input:
    """The faces of a run, with their targets and labels."""

    train: Faces
    targets: np.ndarray  # float32 (n, emotions), for the training faces
    sets: dict[str, Faces]  # sets to report on: val, and perhaps test
    emotions: list[str]
    labels: dict[str, dict[str, np.ndarray]]  # {set: {rule: labels}} for `sets`
    has_votes: bool
    counts: dict[str, dict[str, int]]  # images per emotion in each folder
    digests: dict[str, str]  # digests of faces, targets and the network to start from


def read_input(recipe: Recipe, paths: Paths, limit: int | None) -> Input:
    """Read the faces, targets and labels. `limit` is the most faces per emotion and set."""
    sets, emotions = load_sets({"train": paths.train, "val": paths.val}, limit=limit)
    if paths.test and has_test(paths.test, emotions, paths.train):
        sets |= load_sets({"test": paths.test}, emotions, limit)[0]
    counts = {name: faces.counts for name, faces in sets.items()}
    train, val = sets.pop("train"), sets["val"]
    check_leakage(val, train, paths.train)
    if paths.test and "test" in sets:
        left = without_known(sets.pop("test"), train, paths.test)
        sets |= {"test": left} if left else {}
    votes = load_votes(paths.votes)
    learned = votes if recipe.labels == "soft" else None
    targets = soft_targets(train, emotions, learned, recipe.fer2013_share)
    if recipe.fer2013_share and (votes is None or not (votes[OWN] != "").any()):
        fail(paths.votes, "does not have FER-2013's own labels", "run data_preprocessing.py again")
    note_moved_faces(train, emotions, learned)
    digests = {"train": digest(train.images, targets), "val": digest(val.images, val.labels)}
    if recipe.start_from:
        check_network(recipe.start_from, "correct --start-from")
        digests["start"] = digest_network(recipe.start_from)
        note_known_faces(recipe.start_from, val, digests["val"])
    labels = {name: labels_by_rule(faces, emotions, votes) for name, faces in sets.items()}
    return Input(train, targets, sets, emotions, labels, votes is not None, counts, digests)


def arguments_of(model: Path) -> dict:
    """Return the arguments of a model's training from its stage.json, or {} without one."""
    try:
        return read_stage(model)["arguments"]
    except ValueError:
        return {}


def without_trained_on(
    sets: dict[str, Faces], folders: dict[str, Path], model: Path, emotions: list[str]
) -> dict[str, Faces]:
    """Return `sets` without the faces that a model folder's network was trained on.

    Prints a line if stage.json does not name the training folder, or if it is missing. Raises
    UserError if no face remains.
    """
    trained_on = arguments_of(model).get("train")
    folder = Path(os.path.realpath(model)).parent / str(trained_on)
    if not trained_on or not folder.is_dir():
        seen = "it may have been trained on some of these faces"
        print(f"{model}: its training faces were not found; {seen}")
        return sets
    train = load_sets({"train": folder}, emotions)[0]["train"]
    unknown = {name: without_known(faces, train, folders[name]) for name, faces in sets.items()}
    left = {name: faces for name, faces in unknown.items() if faces}
    if not left:
        fail(model, "was trained on all of these faces", "give others to --val or --test")
    return left


def note_known_faces(start: Path, val: Faces, val_digest: str) -> None:
    """Print a line if the network to start from may have been trained on validation faces.

    That is possible if the validation faces come from FER-2013, as their names show, and differ
    from those that judged the earlier network.
    """
    judged_by = arguments_of(start).get("faces", {}).get("val")
    if judged_by != val_digest and any(row is not None for row in val.rows):
        seen = "may have been trained on some of the validation faces"
        print(f"{start}: {seen}, so the figures on them may be too high")


def note_moved_faces(train: Faces, emotions: list[str], votes: pd.DataFrame | None) -> None:
    """Print a line if some faces lie in a folder that contradicts both rules."""
    folder = np.array(emotions)[train.labels]
    rules = labels_by_rule(train, emotions, votes)
    elsewhere = [truth != folder for rule, truth in rules.items() if rule != OWN]
    if moved := int(np.all(elsewhere, axis=0).sum()):
        used = "training uses the votes; to use the folders, give --labels hard"
        print(f"{moved:,} training faces are not in the folder of their FER+ votes; {used}")


def are_few(train: Faces) -> bool:
    """Return whether faces are so few that fitting a last layer beats training by epochs."""
    return min(train.counts.values()) < MANY_FACES


def note_few_faces(train: Faces, recipe: Recipe) -> None:
    """Print a line if the network has too few faces or steps to learn much."""
    least = FEW_FACES_TO_START_FROM if recipe.start_from else FEW_FACES
    n, rare = min((n, emotion) for emotion, n in train.counts.items())
    steps = recipe.epochs * math.ceil(len(train.labels) / recipe.batch_size)
    mend = "" if recipe.start_from else ", or fine-tune a network: --start-from pretrained"
    if n < least:
        print(f"{n} faces of {rare} are too few to learn it well; give {least} or more{mend}")
    elif steps < FEW_STEPS and not recipe.start_from:
        few = f"{steps} steps are too few to learn much"
        print(f"{few}; give more --epochs or a smaller --batch-size{mend}")
