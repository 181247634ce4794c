"""One-line errors for an old Python, a missing library, and Ctrl-C during an import.

This module must run on Python 3.7.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from common.errors import first_line

OLDEST_PYTHON = (3, 10)


@contextmanager
def required(requirements: str) -> Iterator[None]:
    """End the script with a one-line error if an import in the block fails.

    `requirements` is the requirements file, or the packages, to install.
    """
    if sys.version_info < OLDEST_PYTHON:
        here, wanted = (".".join(map(str, v[:2])) for v in (sys.version_info, OLDEST_PYTHON))
        mend = f"create the environment with a newer one, such as `python{wanted} -m venv .venv`"
        raise SystemExit(f"error: Python {here} is too old, this needs Python {wanted}; {mend}")
    open_closed_streams()
    os.environ["MPLBACKEND"] = "agg"  # matplotlib draws into files and needs no display
    # OpenCV's own limit of 2^30 pixels needs 5 GB. The largest phone pictures have 200 million
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**28))
    try:
        with uninterrupted():
            yield
    except ImportError as error:
        raise SystemExit(f"error: {explain(error, requirements)}") from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def open_closed_streams() -> None:
    """Open closed standard streams, as under cron, so that no other file gets their numbers."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until the end of the block.

    If Ctrl-C stops a library halfway through its import, Python can crash at exit. Other libraries
    report Ctrl-C as an error in the file that they read.
    """
    handler, held = signal.getsignal(signal.SIGINT), []
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *arguments: held.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if held:
        handler(*held[0])


def explain(error: ImportError, requirements: str) -> str:
    """Return one line that names the failed import and its fix."""
    what = first_line(error)
    if re.match(r"lib\S+\.so\S*: cannot open", what):  # a system library of OpenCV, on Linux
        mend = "`apt-get install libgl1 libglib2.0-0 libsm6`, or use opencv-python-headless (docs/webcam.md)"
        return f"OpenCV can't be loaded ({what}); {mend}"
    mend = f"`pip install {'-r ' if requirements.endswith('.txt') else ''}{requirements}`"
    if sys.prefix == sys.base_prefix:  # no virtual environment is active
        activate = r".venv\Scripts\activate" if sys.platform == "win32" else ". .venv/bin/activate"
        mend = f"activate the environment first (`{activate}`), or {mend}"
    return f"{what}; {mend}"
