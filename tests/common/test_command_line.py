"""How a script runs: its output, its help."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT


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
