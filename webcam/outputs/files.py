"""Check where files may be written, and name them while they are incomplete."""

import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TextIO

from common.errors import fail
from webcam.sources.names import utf8_name, without_secrets

try:
    import fcntl
except ImportError:  # Windows: nothing stops two runs from writing the same file there
    fcntl = None  # type: ignore[assignment]


def check_writable(path: Path, sources: list[Path], option: str) -> None:
    """Raise UserError if `path`, given by `option`, can't be written or is a source."""
    utf8_name(path)
    if not path.parent.is_dir():
        where, mend = without_secrets(str(path.parent)), f"create it, or choose another {option}"
        fail(where, "no such folder", mend)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        fail(path, "can't be written", f"choose another {option}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        fail(path, "would overwrite the source", f"choose another {option}")


def fail_on_doubles(names: list[str], folder: Path, kind: str) -> None:
    """Raise UserError if two file names in a folder are equal or differ only in case."""
    often = Counter(name.casefold() for name in names)  # on some disks A.jpg and a.jpg are the same
    if double := next((name for name in names if often[name.casefold()] > 1), None):
        fail(double, f"two {kind} would get this name in {folder}", "rename one")


def temporary_path(path: Path) -> Path:
    """Return the path at which to write a file before moving it to `path`."""
    return path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")


def open_alone(path: Path, target: Path, option: str) -> TextIO:
    """Open the file `path` for appending text, and lock it for this run.

    Raises UserError if another run has it open; the message names `target`. Raises OSError.
    """
    file = path.open("a", newline="", encoding="utf-8")
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        fail(target, "another run is writing it", f"wait for that run, or choose another {option}")
    except OSError:  # some network disks don't support locks
        pass
    return file


def stamped(what: str, suffix: str) -> Path:
    """Return a name in the working folder with date and time, in milliseconds."""
    return Path(f"{what}-{datetime.now():%Y%m%d-%H%M%S-%f}"[:-3] + suffix)
