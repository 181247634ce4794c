"""One way to fail: a line on stderr and exit status 1."""

from typing import NoReturn


def fail(message: str) -> NoReturn:
    """Stop with one line on stderr and exit status 1: the file, what is wrong with it, what mends it."""
    raise SystemExit("error: " + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:150]
