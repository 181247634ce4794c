"""One way to fail: an exception that a script turns into one line on stderr and exit status 1."""

from __future__ import annotations  # for Pythons that are too old, see libraries.py

from typing import NoReturn

MOST_NAMES = 3  # in one line


class UserError(Exception):
    """Something that the user can mend: a file, an option, a missing library."""

    def __init__(self, message: str):
        super().__init__(printable(message))


def fail(where: object, wrong: str, mend: str) -> NoReturn:
    """Raise UserError with the line `where: wrong; mend`.

    `where` is a file (and row) or an option, `wrong` says what is wrong with it, `mend` what to do.
    """
    raise UserError(f"{where}: {wrong}; {mend}")


def printable(message: str) -> str:
    """Return a message with line breaks and control characters, as in file names, written out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)


def first_line(error: Exception) -> str:
    """Return what a foreign exception says, in one line of at most 150 characters."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:150]


def some_of(names: list, separator: str = ", ") -> str:
    """Return up to three names: `a.png, b.png, c.png and 2 more`."""
    shown = separator.join(map(str, names[:MOST_NAMES]))
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
