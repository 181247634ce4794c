"""The output of C libraries is kept off the terminal, and can be read."""

import subprocess
import sys

from support.scripts import ROOT

CODE = """
import os, sys
from webcam.sources.overheard import Overheard
overheard = Overheard()
print([overheard.take()])
with overheard:
    os.write(2, b"one")
    os.system("echo two >&2")
    print([overheard.take(), overheard.take()])
    os.write(2, b"three")
    print([overheard.take()])
    os.write(2, b"four")
os.write(2, b"five")
"""


def test_overheard_takes_what_was_printed_once_and_gives_stderr_back():
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['']\n['onetwo\\n', '']\n['three']\n" and done.stderr == "five"
