"""labels.txt: the emotions in the order of a network's outputs, one per line."""

import json
from pathlib import Path

from common.errors import fail
from common.files import LARGEST_TEXT, require_file


def write_labels(path: Path, emotions: list[str]) -> None:
    lines = "".join(f"{emotion}\n" for emotion in emotions)
    path.write_text(lines, encoding="utf-8", newline="\n")


def read_labels(path: Path, outputs: int) -> list[str]:
    """Return the emotions. Raises UserError unless they match `outputs` and metrics.json.

    People edit this file, so it may have a byte order mark, CR LF, spaces around a name, or no
    final line end. The metrics.json beside it may be missing.
    """
    mend = "copy it again from the network's folder"
    require_file(path, LARGEST_TEXT, mend)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        fail(path, "not UTF-8", "save it as UTF-8")
    emotions = [line.strip() for line in lines]
    if not all(map(is_label, emotions)) or len(set(emotions)) < len(emotions):
        wrong = "a label is blank, repeated or unprintable"
        fail(path, wrong, mend)
    if len(emotions) != outputs:
        wrong = f"{len(emotions)} labels for a network with {outputs} outputs"
        fail(path, wrong, "copy both again")
    in_order = trained_emotions(path.with_name("metrics.json"))
    if sorted(in_order) == sorted(emotions) and in_order != emotions:
        fail(path, "not in the same order as metrics.json beside it", "copy both again")
    return emotions


def trained_emotions(path: Path) -> list[str]:
    """Return the emotions in the order of train.py's metrics.json, or [] without such a file."""
    if not path.is_file():
        return []
    require_file(path, LARGEST_TEXT, "copy it again, or remove it")
    try:
        rules = json.loads(path.read_text(encoding="utf-8"))["val"]
        return list(map(str, next(iter(rules.values()))["per_class"]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration):
        return []
    except RecursionError:  # brackets nested too deep
        return []


def is_label(text: str) -> bool:
    """Return whether a text can name an emotion in labels.txt."""
    return bool(text) and text == text.strip() and text.isprintable()
