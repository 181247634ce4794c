"""One way to fail: an exception that a script turns into one line on stderr and exit status 1."""

from __future__ import annotations  # for Pythons that are too old, see libraries.py

from pathlib import Path
from typing import NoReturn


class UserError(Exception):
    """Something that the user can mend: a file, an option, a library that is missing.

    Its message is one line: the file (and row), what is wrong with it, and what mends it.
    """


def fail(message: str) -> NoReturn:
    """Raise UserError with a message, made one printable line."""
    raise UserError(printable(message))


def utf8_name(path: Path | str) -> str:
    """Return a path as OpenCV takes it. Raises UserError for one that is not UTF-8: there it crashes."""
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        fail(f"{name}: not a name in UTF-8, as OpenCV needs it; rename it")
    return name


def printable(message: str) -> str:
    """Return a message with line breaks and control characters, as in file names, written out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)


def first_line(error: Exception) -> str:
    """Return what a foreign exception says, in one line of at most 150 characters."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:150]
