"""The start of a script: its output, its help."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from support.files import make_video
from support.scripts import DATA_STAGES, PICTURE, ROOT, run, slow


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
    """--help imports no library that takes seconds to load."""
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


SAMPLES = [f"samples/{name}.py" for name in ("make_toy_csv", "plot_csv", "draw_docs")]
USED = [*DATA_STAGES, "train.py", "realtime.py", *SAMPLES]


@pytest.mark.parametrize("script", USED)
def test_help_starts_with_what_is_read_and_written_and_ends_with_examples(script, tmp_path):
    said = run(script, "--help", cwd=tmp_path).stdout
    _, _, first, *rest = re.split(r"\n\n", said)
    assert re.match(r"Reads   .*\n(.+\n)*Writes  ", first), first
    title, *examples = rest[-1].strip().split("\n")
    assert title == "examples:" and examples == examples_of(script)


def examples_of(script):
    tree = ast.parse((ROOT / script).read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree, clean=False) or ""
    examples = docstring.partition("\nExamples:\n")[2].rstrip().split("\n")
    assert examples and all(line.startswith(f"    python {script}") for line in examples)
    return examples


EXAMPLES = [
    (script, example)
    for script in USED
    for example in examples_of(script)
    if "--page" not in example  # which runs until its page is closed
]


def is_long(script, example):
    """Return whether an example trains, shows the whole demo or draws thousands of faces.

    Other tests cover these.
    """
    return (
        script == "train.py" or example.strip() == "python realtime.py" or "--rows 5000" in example
    )


@pytest.mark.parametrize(
    ("script", "example"),
    [slow(*one) if is_long(*one) else one for one in EXAMPLES],
)
def test_the_examples_of_the_help_work(small_toy, tmp_path, script, example):
    _, _, *arguments = shlex.split(example)
    if script != "samples/make_toy_csv.py":
        shutil.copytree(small_toy / "data", tmp_path / "data")
    (tmp_path / "pretrained").symlink_to(ROOT / "pretrained")
    make_video(tmp_path / "clip.mp4")
    (tmp_path / "photos").mkdir()
    shutil.copy(PICTURE, tmp_path / "photos")
    for folder, drawn in (("my_faces", "pool"), ("my_test", "test")):
        for emotion in ("neutral", "surprise"):
            shutil.copytree(small_toy / "data/faces" / drawn / emotion, tmp_path / folder / emotion)
    header = "frame,time,face,x,y,width,height,emotion,confidence,happiness\n"
    (tmp_path / "faces.csv").write_text(header + "0,0.0,1,0,0,48,48,happiness,0.9,0.9\n")
    run(script, *arguments, cwd=tmp_path)


def test_importing_a_package_changes_nothing_around_it(tmp_path):
    """Only the libraries themselves change signal handlers or environment variables."""
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


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", ">&-", "2>&-"])
def test_scripts_work_with_closed_streams(source, tmp_path, closed):
    """cron and services close streams. Our files must not take the number of a closed stream."""
    for arguments, made in (
        (["contrast.py", "--source", "faces", "--out", "out"], "out/stage.json"),
        (["realtime.py", "--source", PICTURE, "--headless", "--csv", "faces.csv"], "faces.csv"),
    ):
        command = [sys.executable, ROOT / arguments[0], *arguments[1:]]
        shell = f"{shlex.join(map(str, command))} {closed}"
        done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"") and (tmp_path / made).is_file()


@pytest.mark.parametrize("script", [*DATA_STAGES, "train.py", "realtime.py"])
def test_scripts_start_without_docstrings(script, tmp_path):
    command = [sys.executable, "-OO", ROOT / script, "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "" and "options:" in done.stdout
