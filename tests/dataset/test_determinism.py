"""The same input and seed give the same bytes everywhere.

This covers Python versions, locales, time zones, thread counts and directory orders.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.files import tree_hash
from support.scripts import DATA_STAGES, OUTPUTS, ROOT, run, slow

LIBRARIES = ["numpy", "pandas", "pillow", "split-folders", "tqdm", "matplotlib"]
SURROUNDINGS = {
    "locale C": {"LC_ALL": "C", "LANG": "C"},
    "locale tr_TR": {"LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
    "time zone": {"TZ": "Asia/Kathmandu"},
    "one thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "many threads": {"OMP_NUM_THREADS": "16", "OPENBLAS_NUM_THREADS": "16"},
    "hash seed": {"PYTHONHASHSEED": "12345"},
    "optimized": {"PYTHONOPTIMIZE": "2"},
    "matplotlib's settings": {"MPLBACKEND": "none such"},
}


def copy_backwards(source, target):
    """Copy a tree, last names first.

    File systems list entries by age or by a hash.
    """
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir(), reverse=True):
        if entry.is_dir():
            copy_backwards(entry, target / entry.name)
        else:
            shutil.copyfile(entry, target / entry.name)


@pytest.mark.parametrize("script", DATA_STAGES)
def test_directory_order_and_an_unchanged_input(small_toy, tmp_path, script):
    out = OUTPUTS[script]
    for name in ["faces", "split", "contrast", "sharpness"]:
        if name != out:
            copy_backwards(small_toy / "data" / name, tmp_path / "data" / name)
    for name in ["fer2013.csv", "fer2013new.csv"]:
        shutil.copyfile(small_toy / "data" / name, tmp_path / "data" / name)
    before = tree_hash(tmp_path / "data")
    run(script, cwd=tmp_path)
    assert tree_hash(tmp_path / "data" / out) == tree_hash(small_toy / "data" / out)
    shutil.rmtree(tmp_path / "data" / out)
    assert tree_hash(tmp_path / "data") == before


@pytest.mark.parametrize(
    "name", ["locale tr_TR", *(slow(name) for name in SURROUNDINGS if name != "locale tr_TR")]
)
def test_surroundings(small_toy, tmp_path, name):
    (tmp_path / "data").mkdir()
    for file in ["fer2013.csv", "fer2013new.csv"]:
        shutil.copyfile(small_toy / "data" / file, tmp_path / "data" / file)
    # The file is read from the working folder
    (tmp_path / "matplotlibrc").write_text("font.size: 40\n")
    for script, out in OUTPUTS.items():
        run(script, cwd=tmp_path, env={**os.environ, **SURROUNDINGS[name]})
        assert tree_hash(tmp_path / "data" / out) == tree_hash(small_toy / "data" / out), script


def interpreter(version):
    """Return the path of a Python of a version, from the PATH or pyenv, or None."""
    candidates: list = [
        shutil.which(f"python{version}"),
        *Path.home().glob(f".pyenv/versions/{version}.*/bin/python"),
    ]
    for path in filter(None, candidates):
        ask = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(ask, capture_output=True, text=True).stdout.strip() == version:
            return path
    return None


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
@pytest.mark.parametrize("libraries", ["newest", "lowest"])
def test_python_versions(toy, tmp_path, version, libraries):
    """This covers the newest and the lowest libraries that the requirements allow.

    The pixels of the bar chart are included.
    """
    if not (base := interpreter(version)):
        pytest.skip(f"no Python {version} here")
    lines = [
        line for path in ROOT.glob("requirements*.txt") for line in path.read_text().split("\n")
    ]
    bounds = {line.split("#")[0].strip() for line in lines}  # some are in several files
    wanted = [bound for bound in bounds if re.match("|".join(LIBRARIES), bound)]
    assert len(wanted) == len(LIBRARIES)
    if libraries == "lowest":
        if version == "3.13":
            pytest.skip("the lowest versions have no wheels for Python 3.13")
        wanted = [line.split(",")[0].replace(">=", "==") for line in wanted]
    subprocess.run([base, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
    (tmp_path / "data").mkdir()
    for file in ["fer2013.csv", "fer2013new.csv"]:
        shutil.copyfile(toy / "data" / file, tmp_path / "data" / file)
    for script, out in OUTPUTS.items():
        subprocess.run([python, ROOT / script], cwd=tmp_path, check=True, capture_output=True)
        assert tree_hash(tmp_path / "data" / out) == tree_hash(toy / "data" / out), script
