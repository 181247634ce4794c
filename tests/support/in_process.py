"""A script run in the tests' own process: the same answer, without its second to five of imports."""

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

# For all runs: a library that is imported during one keeps the stderr that it finds
STDOUT, STDERR = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
LOG = getattr(cv2.utils, "logging", cv2)  # in OpenCV 4.12 its functions are those of cv2
SILENT = 0
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
NOT_SHOWN = [DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning]


def run_in_process(script, arguments, cwd):
    """Run a script with text arguments in the folder `cwd`. Returns a subprocess.CompletedProcess.

    An exception that would be a traceback of the script's is one of the test's.
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
    """Yield two files that take what Python and C libraries write to descriptors 1 and 2."""
    kept = [os.dup(number) for number in (1, 2)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        for number, file in ((1, out), (2, err)):
            os.dup2(file.fileno(), number)
        try:
            yield out, err
        finally:
            flush()  # what a script that failed has printed is not the next one's
            for number, copy in zip((1, 2), kept):
                os.dup2(copy, number)
                os.close(copy)


def flush():
    for stream in (STDOUT, STDERR):
        stream.flush()


def text_of(file):
    """Return what a file of `captured` took, with the line ends that subprocess gives."""
    flush()
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@contextlib.contextmanager
def like_a_new_process(script, arguments, cwd):
    """Give a script what Python gives a new process, and put everything back afterwards."""
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
        random.seed()  # not as an earlier run has left it
        np.random.seed()
        os.chdir(cwd)
        try:
            yield
        finally:
            os.chdir(folder)
            for number, handler in zip(STOPS, handlers):
                signal.signal(number, handler)


def show_warning(message, category, filename, lineno, file=None, line=None):
    """Print a warning as Python does; pytest collects them."""
    STDERR.write(warnings.formatwarning(message, category, filename, lineno, line))


@contextlib.contextmanager
def libraries_as_loaded(script):
    """Let OpenCV, matplotlib and Keras be as a script finds them, and put OpenCV back."""
    threads, level = cv2.getNumThreads(), LOG.getLogLevel()
    if script.name == "realtime.py":  # which says so in the environment, too late here
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
