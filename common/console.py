"""What appears on the console, and what does not: progress bars, and the noise of C libraries."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep off stderr what C libraries print in the block, where an error is one line of ours.

    Such as TensorFlow's as it loads, and libpng's of a broken file. It is the whole process's
    stderr that is closed for a moment, so this is for scripts, and not for one thread of many.
    """
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


def progress(items: Iterable, description: str, unit: str = " images") -> Iterable:
    """Yield `items` behind a progress bar on stderr, which shows on a terminal only."""
    from tqdm import tqdm  # late: realtime.py, which needs no bar, runs without it

    return tqdm(items, desc=description, unit=unit, unit_scale=True, disable=None)


def plural(number: int, noun: str) -> str:
    """Return `1 face` or `1,180 faces`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
