"""Where files may be written, and the names that they have until they are whole."""

import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TextIO

from common.errors import fail
from webcam.sources.names import utf8_name, without_secrets

try:
    import fcntl
except ImportError:  # Windows: two runs that write one file are not noticed there
    fcntl = None  # type: ignore[assignment]


def check_writable(path: Path, sources: list[Path], option: str) -> None:
    """Raise UserError when `path`, given by `option`, can't be written or is a source."""
    utf8_name(path)
    if not path.parent.is_dir():
        where, mend = without_secrets(str(path.parent)), f"make it, or choose another {option}"
        fail(where, "no such folder", mend)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        fail(path, "can't be written", f"choose another {option}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        fail(path, "is the source itself", f"choose another {option}")


def fail_on_doubles(names: list[str], folder: Path, kind: str) -> None:
    """Raise UserError if two of the names for files in a folder are the same, by case or in full."""
    often = Counter(name.casefold() for name in names)  # on some disks A.jpg and a.jpg are one file
    if double := next((name for name in names if often[name.casefold()] > 1), None):
        fail(double, f"the name of two {kind} for {folder}", "rename one")


def temporary_path(path: Path) -> Path:
    """Return the place where a file is made before it is moved to `path`."""
    return path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")


def open_alone(path: Path, target: Path, option: str) -> TextIO:
    """Open the file `path` to append text, for this run alone.

    Raises UserError if another run has it open; `target` is its name for the user. Raises OSError.
    """
    file = path.open("a", newline="", encoding="utf-8")
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        fail(target, "another run is writing it", f"wait for that, or choose another {option}")
    except OSError:  # some network disks have no locks
        pass
    return file


def stamped(what: str, suffix: str) -> Path:
    """Return a name in the working folder that holds the time of day, in milliseconds."""
    return Path(f"{what}-{datetime.now():%Y%m%d-%H%M%S-%f}"[:-3] + suffix)
