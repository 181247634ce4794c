"""How a script runs: what goes wrong becomes one line instead of a traceback."""

import os
import sys
from collections.abc import Callable

from common.errors import UserError, printable


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; what the system refuses, and Ctrl-C, become one line instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a name that the terminal can't show is no reason to fail
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
    """Bring out what was printed, and keep Python's own attempt as it ends from failing a second time."""
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
