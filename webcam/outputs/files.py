"""Where files may be written, and the names that they have until they are whole."""

import os
from datetime import datetime
from pathlib import Path

from common.errors import fail
from webcam.sources.names import utf8_name, without_secrets


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


def temporary_path(path: Path) -> Path:
    """Return the place where a file is made before it is moved to `path`."""
    return path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")


def stamped(what: str, suffix: str) -> Path:
    """Return a name in the working folder that holds the time of day, in milliseconds."""
    return Path(f"{what}-{datetime.now():%Y%m%d-%H%M%S-%f}"[:-3] + suffix)
