"""The exception for user errors. A script prints it as one line on stderr and exits with 1."""

from __future__ import annotations  # so that an old Python can load this, see libraries.py

from typing import NoReturn

MOST_NAMES = 3  # names in one message


class UserError(Exception):
    """An error that the user can fix: a file, an option, a missing library."""

    def __init__(self, message: str):
        super().__init__(printable(message))


def fail(where: object, wrong: str, mend: str) -> NoReturn:
    """Raise UserError with the line `where: wrong; mend`.

    `where` names a file (and row) or an option, `wrong` the problem, `mend` the fix.
    """
    raise UserError(f"{where}: {wrong}; {mend}")


def printable(message: str) -> str:
    """Return a message with its line breaks and control characters escaped.

    File names can contain them.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)


def first_line(error: Exception) -> str:
    """Return the first line of a library's exception, at most 150 characters."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:150]


def some_of(names: list, separator: str = ", ") -> str:
    """Return up to three names: `a.png, b.png, c.png and 2 more`."""
    shown = separator.join(map(str, names[:MOST_NAMES]))
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
