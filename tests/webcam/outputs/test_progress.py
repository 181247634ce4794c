"""The progress of a file on a terminal."""

import os
import subprocess
import sys

import pytest
from support.files import make_video
from support.scripts import ROOT, run

from webcam.outputs.progress import Progress

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")


def test_a_terminal_shows_frames_and_time_left_and_is_clean_at_the_end(tmp_path):
    make_video(tmp_path / "in.avi", 300)
    ours, theirs = pty.openpty()
    command = [sys.executable, str(ROOT / "realtime.py"), "--source", "in.avi", "--headless"]
    env = {**os.environ, "COLUMNS": "60"}
    process = subprocess.Popen(command, cwd=tmp_path, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    said = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # Linux's end of file
            break
        said += more
        if not more:
            break
    assert process.wait() == 0
    os.close(ours)
    shown = said.decode().split("\r")
    bars = [line for line in shown if line.startswith("[")]
    assert len(bars) > 2 and all(" of 300 frames, " in line and " s left" in line for line in bars)
    counts = [int(line.split()[1]) for line in bars]
    assert counts == sorted(counts) and 0 < counts[0] < counts[-1] <= 300
    (cleared, last) = shown[shown.index(bars[-1]) + 1 :][:2]
    assert cleared.isspace() and len(cleared) >= len(bars[-1].rstrip())
    assert last.startswith("300 frames, 300 faces")


def test_a_narrow_terminal_gets_no_second_line(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    Progress(1000, "frame").show("[#####---------------] 250 of 1,000 frames, 12 s left")
    assert capsys.readouterr().out == "\r[#####---------------] 250 of"


def test_nothing_of_it_goes_into_a_file(tmp_path):
    make_video(tmp_path / "in.avi", 60)
    assert "\r" not in run("realtime.py", "--source", "in.avi", "--headless", cwd=tmp_path).stdout
