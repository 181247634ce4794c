"""How a script runs: its options, and what goes wrong as one line instead of a traceback."""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from common.errors import UserError, fail, printable


class Parser(argparse.ArgumentParser):
    """An argument parser whose help is a script's docstring, and whose refusals are one line and
    status 1.
    """

    def __init__(self, description: str):
        super().__init__(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )

    def error(self, message: str) -> NoReturn:
        """Raise UserError in place of printing the usage.

        `argument --epochs: 0: ...` becomes `--epochs 0: ...`.
        """
        fail(re.sub(r"^argument (\S+): ", r"\1 ", message))


def number_type(convert: Callable, accept: Callable, wanted: str) -> Callable:
    """Return a `type=` for an option.

    A converted text that is accepted, or a line that says what is `wanted`.
    """

    def parse(text: str):
        try:
            value = convert(text)
            if not accept(value):
                raise ValueError
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text}: give {wanted}") from None
        return value

    return parse


positive_int = number_type(int, lambda value: value > 0, "a whole number from 1")
positive_float = number_type(float, lambda value: 0 < value < math.inf, "a number above 0")
enhancement_factor = number_type(float, lambda value: 0 <= value < math.inf, "a number from 0")
seconds = number_type(float, lambda value: 0 <= value < math.inf, "0 or more seconds")
seed = number_type(int, lambda value: 0 <= value < 2**31, f"a whole number from 0 to {2**31 - 1}")


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`.

    What the system refuses, and Ctrl-C, become one line instead of a traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal can't show is no reason to fail
        stream.reconfigure(errors="backslashreplace")
    try:
        try:
            main()
        finally:
            flush()
    except UserError as error:
        raise SystemExit(f"error: {error}") from None
    except BrokenPipeError:  # what reads the output has had enough, as `head` does
        raise SystemExit(128 + 13) from None  # as if SIGPIPE, which Python ignores, had ended it
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        what = f"{where}{error.strerror or error}"
        mend = "mend that (room on the disk, permission, path) and run it again"
        raise SystemExit(f"error: {printable(what)}; {mend}") from None


def flush() -> None:
    """Bring out what was printed, and keep Python's own attempt as it ends from failing a second
    time.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
