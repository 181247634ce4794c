"""How a script runs: it parses options, and reports an error as one line instead of a traceback."""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from common import VERSION
from common.errors import UserError, fail, printable
from common.libraries import explain


class Parser(argparse.ArgumentParser):
    """An argument parser that takes its help from a docstring and reports errors in one line.

    The help ends with the docstring's examples.
    """

    group = None  # the group to add options to

    def __init__(self, docstring: str | None):
        # Python -OO strips docstrings
        description, found, examples = (docstring or "").partition("\nExamples:\n")
        formatter = argparse.RawDescriptionHelpFormatter
        epilog = f"examples:\n{examples}" if found else None
        super().__init__(description=description, epilog=epilog, formatter_class=formatter)
        version, what = f"{self.prog} {VERSION}", "print the version"
        super().add_argument("--version", action="version", version=version, help=what)
        self.inputs: dict[str, str] = {}  # {option of `add_input`: "folder" or "file"}

    def begin_group(self, title: str) -> argparse._ArgumentGroup:
        """Show all options added from now on under a title, and return their group."""
        self.group = self.add_argument_group(title)
        return self.group

    def add_argument(self, *names, **options) -> argparse.Action:
        add = self.group.add_argument if self.group else super().add_argument
        return add(*names, **options)

    def add_path(self, option: str, default: str | None, what: str) -> None:
        """Add an option that takes a path."""
        if default is None:
            self.add_argument(option, type=Path, metavar="FOLDER", help=what)
        else:
            what = f"{what} (%(default)s)"
            self.add_argument(option, type=Path, default=Path(default), help=what)

    def add_input(self, option: str, default: str | None, what: str, kind: str = "folder") -> None:
        """Add an option for a "folder" or "file" to read.

        It takes several if `default` contains spaces.
        """
        if default is None or " " not in default:
            self.add_path(option, default, what)
        else:
            paths = [Path(path) for path in default.split()]
            what = f"{what} ({default})"
            self.add_argument(option, type=Path, nargs="+", default=paths, help=what)
        self.inputs[option] = kind

    def parse_args(self, *arguments, **options) -> argparse.Namespace:  # type: ignore[override]
        """Return the options. Raises UserError if an input is missing and is not the default.

        The script itself reports a missing default, because it knows which script makes it.
        """
        args = super().parse_args(*arguments, **options)
        for option, kind in self.inputs.items():
            name = option.lstrip("-").replace("-", "_")
            given, default = getattr(args, name), self.get_default(name)
            if not isinstance(given, list):
                given, default = [given], [default]
            for path in given:
                there = path in default or (path.is_file() if kind == "file" else path.is_dir())
                if not there:
                    fail(path, f"no such {kind}", f"correct {option}")
        return args

    def error(self, message: str) -> NoReturn:
        """Raise UserError; argparse itself would print the usage and exit with status 2.

        `argument --epochs: 0: give a number` becomes `--epochs 0: give a number`.
        """
        mend = "" if "give " in message else "; see --help"
        raise UserError(re.sub(r"^argument (\S+): ", r"\1 ", message) + mend)


def number(convert: Callable, accept: Callable, wanted: str) -> Callable:
    """Return a `type=` for argparse that accepts only some numbers; `wanted` describes them."""

    def parse(text: str) -> float:
        try:
            value = convert(text)
            if not accept(value):
                raise ValueError
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text}: give {wanted}") from None
        return value

    return parse


positive_int = number(int, lambda value: value > 0, "a whole number above 0")
positive_float = number(float, lambda value: 0 < value < math.inf, "a number above 0")
nonnegative_float = number(float, lambda value: 0 <= value < math.inf, "a number, 0 or more")
share = number(float, lambda value: 0 <= value <= 1, "a number from 0 to 1")
seconds = number(float, lambda value: 0 <= value < math.inf, "0 or more seconds")
seed = number(int, lambda value: 0 <= value < 2**31, f"a whole number from 0 to {2**31 - 1}")


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a script's `main` and exit with the status it returns. None counts as 0."""
    raise SystemExit(status_of(main))


def status_of(main: Callable[[], int | None]) -> int:
    """Run `main` and return the exit status. Print an error or Ctrl-C as one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # IDLE's streams lack it; a closed stream is None
            stream.reconfigure(errors="backslashreplace")  # for names the terminal can't show
    try:
        try:
            status = main()
        finally:
            flush()
        return status or 0
    except UserError as error:
        what = str(error)
    except ImportError as error:  # from a library that is imported late
        what = explain(error, "requirements.txt")
    except BrokenPipeError:  # the program that reads our output, such as `head`, has exited
        return 128 + 13  # the status for SIGPIPE, which Python ignores
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        what = describe(error)
    print(f"error: {what}", file=sys.stderr)
    return 1


def describe(error: OSError) -> str:
    """Return the error message for an OSError."""
    where = f"{error.filename}: " if error.filename else ""
    what = printable(f"{where}{error.strerror or error}")
    return f"{what}; check the path, permissions and disk space, then run it again"


def flush() -> None:
    """Flush standard output. Raises an OSError whose filename is "standard output"."""
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        # Python flushes again at exit, and would print a second error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
