"""The checkpoint folder of a stopped run, and the check that the resumed run is the same."""

import os
from pathlib import Path

from common.errors import fail, first_line
from dataset.stage import check_ownership, read_stage, recover
from network.recipe import KEPT, Recipe, option

START_AGAIN = "start again without --resume"


def checkpoint_beside(out: Path) -> Path:
    """Return the folder beside `out` that holds a stopped run, `.NAME.resume`."""
    out = Path(os.path.realpath(out))
    return out.with_name(f".{out.name}.resume")


def prepare_checkpoint(checkpoint: Path, recipe: Recipe, resume: bool, digests: dict) -> None:
    """Restore a killed run's checkpoint, and print a line if it is replaced or missing.

    Raises UserError if the run to resume differs in an option of KEPT or in its `digests`.
    """
    recover(checkpoint)
    check_ownership(checkpoint, "train.py")
    if not resume and checkpoint.exists():
        stopped = "contains a stopped run, which this run replaces after its first epoch"
        print(f"{checkpoint}: {stopped}; to continue it instead, give --resume")
    elif resume and not checkpoint.exists():
        print("no stopped run to resume; starting at the first epoch")
    elif resume:
        check_same_run(checkpoint, recipe, digests)


def facts_of_run(recipe: Recipe, digests: dict) -> dict[str, object]:
    """Return the facts that all processes of a run must share, under names that users know."""
    facts = {option(name): getattr(recipe, name) for name in KEPT}
    names = {"train": "the faces to train on, or their votes", "val": "the validation faces"}
    names |= {"start": "--start-from"}
    return facts | {said: digests.get(name) for name, said in names.items()}


def facts_of_stopped_run(checkpoint: Path, resume: bool) -> list:
    """Return whether a run is resumed, and its checkpoint's log."""
    log = checkpoint / "training_log.csv"
    return [resume, log.read_bytes() if resume and log.exists() else None]


def check_same_run(checkpoint: Path, recipe: Recipe, digests: dict) -> None:
    """Raise UserError if the checkpoint's run had other options, faces or targets."""
    try:
        stage = read_stage(checkpoint)
        added = {"network": "vgg", "fer2013_share": 0.0}  # runs of earlier versions lack these
        before = {**added, **stage["arguments"], "seed": stage["seed"]}
        changed = [option(name) for name in KEPT if before[name] != getattr(recipe, name)]
        if before["faces"] != digests:
            changed.append("faces, votes or --start-from")
    except (ValueError, KeyError, TypeError) as error:
        fail(checkpoint, f"can't be resumed ({first_line(error)})", START_AGAIN)
    if changed:
        wrong = f"the stopped run had different {', '.join(changed)}"
        fail(checkpoint, wrong, f"give the same, or {START_AGAIN}")
