"""The hand-over: an output is complete or absent, made by us or refused, without foreign files."""

import json
import os
import subprocess
import sys

import pytest
from support.files import tree_hash
from support.scripts import ROOT, fails, run

from common.errors import UserError
from dataset.stage import atomic_folder

CONTRAST = ["contrast.py", "--source", "faces", "--out", "out"]  # with the fixture `source`


def contrast(folder, *arguments, **options):
    return run(
        "contrast.py", "--source", "faces", "--out", "out", *arguments, cwd=folder, **options
    )


def test_an_error_midway_leaves_the_earlier_output_and_nothing_beside_it(source, tmp_path):
    contrast(tmp_path)
    before = tree_hash(tmp_path / "out")
    (source / "happiness/row00002.png").write_bytes(b"not a picture")
    contrast(tmp_path, "--factor", 3, check=False)
    assert tree_hash(tmp_path / "out") == before
    assert sorted(os.listdir(tmp_path)) == ["faces", "out"]


def test_what_a_killed_run_left_is_cleared(source, tmp_path):
    (tmp_path / ".out.new/anger").mkdir(parents=True)
    (tmp_path / ".out.new/anger/half.png").write_bytes(b"\x89PNG")
    contrast(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["faces", "out"]
    assert not (tmp_path / "out/anger/half.png").exists()


def test_an_output_that_a_killed_run_had_moved_aside_comes_back_when_the_next_run_fails(
    source, tmp_path
):
    contrast(tmp_path)
    before = tree_hash(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / ".out.old")
    (source / "happiness/row00002.png").write_bytes(b"not a picture")
    contrast(tmp_path, check=False)
    assert tree_hash(tmp_path / "out") == before


def test_a_stage_sees_that_another_run_is_writing_the_same_folder(source, tmp_path):
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path
from dataset.stage import atomic_folder
with atomic_folder(Path("out"), "contrast.py"):
    print("holding", flush=True)
    sys.stdin.read()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=-1, stdout=-1, text=True
    )
    try:
        assert holder.stdout and holder.stdout.readline() == "holding\n"
        fails(*CONTRAST, cwd=tmp_path, says="another run")
    finally:
        holder.kill()
        holder.communicate()
    contrast(tmp_path)  # the lock ends with its process
    assert (tmp_path / "out/stage.json").exists()


def test_what_comes_to_the_place_of_the_output_meanwhile_is_kept(tmp_path):
    out = tmp_path / "out"
    with (
        pytest.raises(UserError, match=r"not made by contrast\.py"),
        atomic_folder(out, "contrast.py"),
    ):
        out.mkdir()
        (out / "thesis.txt").write_text("precious")
    assert (out / "thesis.txt").read_text() == "precious"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_can_not_be_cleared_is_named(source, tmp_path, kind):
    old = tmp_path / ".out.old"
    old.write_text("x") if kind == "file" else old.symlink_to(source)
    fails(*CONTRAST, cwd=tmp_path, says=[".out.old", "remove it by hand"])
    assert len(list(source.rglob("*.png"))) == 6


@pytest.mark.parametrize("made", ["empty folder", "folder with photos", "file"])
def test_an_output_that_is_not_ours_is_refused_and_kept(source, tmp_path, made):
    out = tmp_path / "out"
    out.write_text("mine") if made == "file" else out.mkdir()
    if made == "folder with photos":
        (out / "me.jpg").write_bytes(b"precious")
    before = tree_hash(tmp_path)
    fails(*CONTRAST, cwd=tmp_path, says=["out: ", "not made by contrast.py"])
    assert tree_hash(tmp_path) == before


def test_the_output_of_another_script_is_refused_and_kept(source, tmp_path):
    contrast(tmp_path)
    before = tree_hash(tmp_path / "out")
    fails(
        "sharpness.py",
        "--source",
        "faces",
        "--out",
        "out",
        cwd=tmp_path,
        says="was made by contrast.py",
    )
    assert tree_hash(tmp_path / "out") == before


@pytest.mark.parametrize("out", ["faces", "faces/copies", "."])
def test_an_output_that_touches_the_input_is_refused(source, tmp_path, out):
    (source / "stage.json").write_text(json.dumps({"script": "contrast.py"}))
    (tmp_path / "stage.json").write_text(json.dumps({"script": "contrast.py"}))
    before = tree_hash(source)
    fails(
        "contrast.py", "--source", "faces", "--out", out, cwd=tmp_path, says="choose another --out"
    )
    assert tree_hash(source) == before
