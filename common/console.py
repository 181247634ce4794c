"""Console output: progress bars, commands to type, and silence for C libraries."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from common.libraries import uninterrupted


@contextmanager
def quiet() -> Iterator[None]:
    """Silence C libraries while the block runs, so that our one-line errors stand alone.

    It redirects stderr for the whole process, so don't use it while other threads print.
    """
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


@contextmanager
def late_imports() -> Iterator[None]:
    """Import slow libraries in the block, not at the top of a file, so that `--help` is instant."""
    with quiet(), uninterrupted():
        yield


def progress(items: Iterable, description: str, unit: str = " images") -> Iterable:
    """Yield `items`, with a progress bar on stderr if it is a terminal."""
    from tqdm import tqdm  # imported late: realtime.py has no bar and runs without tqdm

    return tqdm(items, desc=description, unit=unit, unit_scale=True, disable=None)


def plural(number: int, noun: str) -> str:
    """Return `1 face` or `1,180 faces`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shell_line(arguments: list[str]) -> str:
    """Return a command as the user types it in the shell of this system."""
    return (subprocess.list2cmdline if sys.platform == "win32" else shlex.join)(arguments)
