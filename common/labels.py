"""labels.txt: the emotions in the order of a network's outputs, one per line."""

from pathlib import Path

from common.errors import fail


def write_labels(path: Path, emotions: list[str]) -> None:
    lines = "".join(f"{emotion}\n" for emotion in emotions)
    path.write_text(lines, encoding="utf-8", newline="\n")


def read_labels(path: Path, outputs: int) -> list[str]:
    """Return the emotions. Raises UserError unless there are `outputs` different ones.

    A byte order mark, CR LF and a missing last line end are no error: people edit this file.
    """
    emotions = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if len({emotion.strip() for emotion in emotions} - {""}) != len(emotions):
        fail(path, "a blank or repeated label", "copy it again from beside the network")
    if len(emotions) != outputs:
        fail(path, f"{len(emotions)} labels for a network of {outputs} outputs", "copy both again")
    return emotions


def is_label(text: str) -> bool:
    """Return whether an emotion can have this name as a line of labels.txt."""
    return bool(text) and text == text.strip() and text.isprintable()
