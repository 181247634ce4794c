"""The console: progress bars, and silence for C libraries."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from common.libraries import uninterrupted


@contextmanager
def quiet() -> Iterator[None]:
    """Silence C libraries while the block runs, so that our one-line errors stand alone.

    It redirects the whole process's stderr, so it does not suit one thread of many.
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
    """Load libraries in the block that are slow, so that `--help` answers at once."""
    with quiet(), uninterrupted():
        yield


def progress(items: Iterable, description: str, unit: str = " images") -> Iterable:
    """Yield `items` behind a progress bar on stderr, if that is a terminal."""
    from tqdm import tqdm  # late: realtime.py has no bar and runs without tqdm

    return tqdm(items, desc=description, unit=unit, unit_scale=True, disable=None)


def plural(number: int, noun: str) -> str:
    """Return `1 face` or `1,180 faces`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
