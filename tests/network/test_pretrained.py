"""The network in pretrained/, read by every promised version of Keras."""

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest
from support.scripts import ROOT, run


def lowest_keras():
    """Return the lowest version that requirements.txt allows."""
    found = re.search(r"^keras>=([\d.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_it_was_saved_by_the_lowest_keras():
    """A newer Keras reads the files of an older one, but not the other way round."""
    with zipfile.ZipFile(ROOT / "pretrained/emotion.keras") as archive:
        metadata = json.loads(archive.read("metadata.json"))
    assert metadata["keras_version"] == lowest_keras()


def report(toy, **options):
    """Return the report on the network and the toy faces."""
    arguments = ["--evaluate", "--out", ROOT / "pretrained"]
    return run("train.py", *arguments, cwd=toy, **options).stdout


@pytest.mark.slow
def test_the_lowest_keras_reads_it(small_toy, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path]
    subprocess.run([*pip, f"keras=={lowest_keras()}"], check=True)
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    code = "import keras; print(keras.__version__)"
    there = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert there.stdout.strip() == lowest_keras()
    assert report(small_toy, env=env) == report(small_toy)
