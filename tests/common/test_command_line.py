"""How a script runs: its output, its help."""

import os
import subprocess
import sys

import pytest
from conftest import DATA_STAGES, ROOT


@pytest.mark.parametrize(
    "where, status, says", [("> /dev/full", 1, "No space left"), ("| true", 141, "")]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_nobody_takes(source, tmp_path, where, status, says, unbuffered):
    command = f'"{sys.executable}" "{ROOT}/contrast.py" --source faces --out out {where}; exit ${{PIPESTATUS[0]}}'
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr.count("\n")) == (
        status,
        1 if says else 0,
    ) and says in done.stderr
    assert len(list((tmp_path / "out").rglob("*.png"))) == 6


@pytest.mark.parametrize("script", ["contrast.py", "realtime.py", "random_shuffle.py"])
def test_help_needs_no_heavy_library(script, tmp_path):
    """--help imports none of the libraries that take seconds."""
    code = f"""
import runpy, sys; sys.argv = [{script!r}, "--help"]; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path
try: runpy.run_path({str(ROOT / script)!r}, run_name="__main__")
except SystemExit: pass
print("HEAVY", sorted({{"tensorflow", "keras", "matplotlib", "pandas", "sklearn", "tqdm"}} & set(sys.modules)))
"""
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert "usage:" in said.stdout and said.stdout.endswith("HEAVY []\n")


@pytest.mark.parametrize("script", [*DATA_STAGES, "train.py", "realtime.py"])
def test_a_script_runs_through_a_symbolic_link_from_anywhere(script, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/linked.py").symlink_to(ROOT / script)
    command = [sys.executable, str(tmp_path / "bin/linked.py"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "usage: linked.py" in done.stdout, done.stderr


def test_importing_a_package_changes_nothing_around_it(tmp_path):
    """No signal handler and no environment variable but those of the libraries themselves."""
    modules = [
        f"{package}.{path.stem}"
        for package in ("common", "dataset", "webcam")
        for path in sorted((ROOT / package).glob("[a-z]*.py"))
    ]
    code = f"""
import os, signal, sys
import cv2, pandas, splitfolders
sys.path.insert(0, {str(ROOT)!r})
def around():
    return dict(os.environ), [signal.getsignal(number) for number in signal.valid_signals()]
before = around()
import {", ".join(modules)}
assert around() == before
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout == done.stderr == "", done.stderr
    assert not list(tmp_path.iterdir())
