"""One way to fail: an exception that a script turns into one line on stderr and exit status 1."""

from typing import NoReturn


class UserError(Exception):
    """Something that the user can mend.

    The message names the file, what is wrong with it, and what mends it.
    """


def fail(message: str) -> NoReturn:
    """Raise UserError with a message of one line.

    The file (and row), what is wrong, what mends it.
    """
    raise UserError(printable(message))


def printable(message: str) -> str:
    """Return a message with line breaks and control characters, as file names may hold them,
    written out.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)


def first_line(error: Exception) -> str:
    """Return what a foreign exception says, in one line of at most 150 characters."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:150]
