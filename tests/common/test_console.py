"""What C libraries print, kept off the terminal."""

import subprocess
import sys

import pytest
from support.scripts import ROOT

from common.console import duration

CODE = """
import os, sys
from common.console import Overheard
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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (3580, "1 h 0 min"), (3900, "1 h 5 min")],
)
def test_a_time_is_told_as_people_do(seconds, text):
    assert duration(seconds) == text
