"""Run a script in the tests' own process, which saves two to five seconds of imports."""

import contextlib
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from unittest import mock

import cv2
import matplotlib
import numpy as np

# The same streams serve all runs, because a library that is imported in a run keeps its stderr
STDOUT, STDERR = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
LOG = getattr(cv2.utils, "logging", cv2)  # in OpenCV 4.12 the functions are in cv2 itself
SILENT = 0
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
NOT_SHOWN = [DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning]


def run_in_process(script, arguments, cwd):
    """Run a script with text arguments in the folder `cwd`. Return a subprocess.CompletedProcess.

    An exception that would be the script's traceback is raised in the test.
    """
    status = None
    with contextlib.ExitStack() as stack:
        out, err = stack.enter_context(captured())
        for change in (like_a_new_process(script, arguments, cwd), libraries_as_loaded(script)):
            stack.enter_context(change)
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            status = end.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
            status = 1
        said = [text_of(file) for file in (out, err)]
    return subprocess.CompletedProcess([script, *arguments], status or 0, *said)


@contextlib.contextmanager
def captured():
    """Yield two files that take the output of Python and C libraries on descriptors 1 and 2."""
    kept = [os.dup(number) for number in (1, 2)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        for number, file in ((1, out), (2, err)):
            os.dup2(file.fileno(), number)
        try:
            yield out, err
        finally:
            flush()  # output of a failed script must not appear in the next run
            for number, copy in zip((1, 2), kept):
                os.dup2(copy, number)
                os.close(copy)


def flush():
    for stream in (STDOUT, STDERR):
        stream.flush()


def text_of(file):
    """Return the text in a file of `captured`, with the line ends that subprocess gives."""
    flush()
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@contextlib.contextmanager
def like_a_new_process(script, arguments, cwd):
    """Set up a script's surroundings as in a new process, and restore everything afterwards."""
    STDOUT.reconfigure(errors="strict")
    STDERR.reconfigure(errors="backslashreplace", line_buffering=True)
    given = {
        (sys, "argv"): [str(script), *arguments],
        (sys, "path"): [str(script.parent), *sys.path],
        (sys, "stdout"): STDOUT,
        (sys, "stderr"): STDERR,
        (sys, "unraisablehook"): sys.__unraisablehook__,
        (threading, "excepthook"): threading.__excepthook__,
        (warnings, "showwarning"): show_warning,
    }
    folder, handlers = os.getcwd(), [signal.getsignal(number) for number in STOPS]
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ))
        stack.enter_context(warnings.catch_warnings())
        warnings.resetwarnings()
        for category in NOT_SHOWN:
            warnings.simplefilter("ignore", category)
        for (place, name), value in given.items():
            stack.enter_context(mock.patch.object(place, name, value))
        random.seed()  # discards the state of earlier runs
        np.random.seed()
        os.chdir(cwd)
        try:
            yield
        finally:
            os.chdir(folder)
            for number, handler in zip(STOPS, handlers):
                signal.signal(number, handler)


def show_warning(message, category, filename, lineno, file=None, line=None):
    """Print a warning as Python does. pytest collects warnings."""
    STDERR.write(warnings.formatwarning(message, category, filename, lineno, line))


@contextlib.contextmanager
def libraries_as_loaded(script):
    """Reset OpenCV, matplotlib and Keras for a script, and restore OpenCV afterwards."""
    threads, level = cv2.getNumThreads(), LOG.getLogLevel()
    if script.name == "realtime.py":  # its environment variable has no effect on a loaded OpenCV
        LOG.setLogLevel(SILENT)
    if script.name == "train.py" and "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()  # layers are numbered from 1
    try:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            yield
    finally:
        cv2.setNumThreads(threads)
        LOG.setLogLevel(level)
