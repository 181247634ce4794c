"""A system that can't write gives one line, and the earlier output stays.

The causes are no space, a limit on file sizes, a read-only disk, and no permission.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.files import make_video, tree_hash
from support.scripts import DATA_STAGES, OUTPUTS, ROOT, fails


@pytest.fixture
def disk(tmp_path):
    """Return a function that mounts a file system of `size` KB, and returns its folder."""
    mounts: list[Path] = []

    def mount(size):
        folder = tmp_path / f"disk{len(mounts)}"
        folder.mkdir()
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", folder], stderr=-1
        ).returncode:
            pytest.skip("needs the right to mount a tmpfs")
        mounts.append(folder)
        return folder

    yield mount
    for folder in mounts:
        subprocess.run(["umount", folder], check=True)


def refuse(script, *arguments, cwd, out, says, wrap=()):
    """Assert that the system stops a script with one line that names something in or around `out`."""
    fails(script, *arguments, cwd=cwd, says=[says, str(out.parent)], wrap=wrap)


@pytest.mark.parametrize("script", DATA_STAGES)
@pytest.mark.parametrize("room", [8, 100])
def test_disk_full(toy, disk, script, room):
    """`room` KB are free: too little for a folder, or for the whole new output."""
    earlier = toy / "data" / OUTPUTS[script]
    used = sum(-(-path.stat().st_size // 4096) * 4 for path in earlier.rglob("*") if path.is_file())
    folder = disk(used + room)
    shutil.copytree(earlier, folder / "out")
    before = tree_hash(folder)
    refuse(script, "--out", folder / "out", cwd=toy, out=folder / "out", says="No space left")
    assert tree_hash(folder) == before


@pytest.mark.parametrize("script", DATA_STAGES)
def test_limit_on_the_size_of_a_file(small_toy, tmp_path, script):
    """`ulimit -f` allows 1 KB, too little for any face."""
    shutil.copytree(small_toy / "data" / OUTPUTS[script], tmp_path / "out")
    before = tree_hash(tmp_path)
    wrap = ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash"]
    refuse(
        script,
        "--out",
        tmp_path / "out",
        cwd=small_toy,
        out=tmp_path / "out",
        says="File too large",
        wrap=wrap,
    )
    assert tree_hash(tmp_path) == before


@pytest.mark.parametrize("script", DATA_STAGES)
def test_read_only_disk(small_toy, disk, script):
    folder = disk(4096)
    shutil.copytree(small_toy / "data" / OUTPUTS[script], folder / "out")
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    before = tree_hash(folder)
    refuse(
        script,
        "--out",
        folder / "out",
        cwd=small_toy,
        out=folder / "out",
        says="Read-only file system",
    )
    assert tree_hash(folder) == before


def without_privileges():
    """Return the start of a command that makes root obey permissions, or skip the test."""
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("needs setpriv, or a user other than root")
    return [
        "setpriv",
        "--bounding-set=-dac_override,-dac_read_search,-fowner",
        "--inh-caps=-dac_override",
    ]


@pytest.mark.parametrize("script", DATA_STAGES)
def test_no_permission(small_toy, tmp_path, script):
    folder = tmp_path / "locked"
    shutil.copytree(small_toy / "data" / OUTPUTS[script], folder / "out")
    before = tree_hash(folder)
    folder.chmod(0o500)
    try:
        refuse(
            script, "--out", folder / "out", cwd=small_toy, out=folder / "out", says="Permission denied",
            wrap=without_privileges(),
        )  # fmt: skip
        assert tree_hash(folder) == before
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("script", DATA_STAGES)
def test_input_without_permission(small_toy, tmp_path, script):
    """A file without read permission is named, and nothing is left behind."""
    shutil.copytree(small_toy / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / OUTPUTS[script])
    source = {"data_preprocessing.py": "fer2013new.csv", "random_split.py": "faces/pool"}.get(
        script, "split/train"
    )
    path = tmp_path / "data" / source
    path = path if path.is_file() else sorted(path.glob("happiness/*.png"))[3]
    before = sorted(os.listdir(tmp_path / "data"))
    path.chmod(0)
    says = [str(path.relative_to(tmp_path)), "Permission denied"]
    fails(script, cwd=tmp_path, says=says, wrap=without_privileges())
    assert sorted(os.listdir(tmp_path / "data")) == before


def test_table_on_a_full_disk(disk, tmp_path):
    make_video(tmp_path / "in.avi", 50)
    folder = disk(4)
    refuse(
        "realtime.py", "--source", "in.avi", "--headless", "--csv", folder / "out.csv",
        cwd=tmp_path, out=folder / "out.csv", says="No space left",
    )  # fmt: skip
    assert os.listdir(folder) == ["out.csv"]


def test_snapshot_of_a_picture_on_a_full_disk(disk, tmp_path):
    folder = disk(8)
    (folder / "out.png").write_text("earlier")
    picture = ROOT / "samples/astronaut.jpg"
    fails(
        "realtime.py",
        "--source",
        picture,
        "--headless",
        "--output",
        folder / "out.png",
        cwd=tmp_path,
        says="out.png",
    )
    assert [path.read_text() for path in folder.iterdir()] == ["earlier"]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_of_pictures_on_a_full_disk_those_that_are_there_are_whole(disk, tmp_path, photo, suffix):
    (tmp_path / "in").mkdir()
    for number in range(6):
        part = photo[18:218, 124:324]
        cv2.imwrite(str(tmp_path / f"in/{number}{suffix}"), np.roll(part, number, axis=1))
    folder = disk(200 if suffix == ".png" else 40)
    out = folder / "out"
    arguments = ["--source", "in", "--headless", "--output", out]
    fails("realtime.py", *arguments, cwd=tmp_path, says=["No space left", str(out)])
    written = sorted(out.iterdir())
    assert 0 < len(written) < 6 and not [path for path in written if path.name.startswith(".")]
    assert all(cv2.imread(str(path)).shape == (200, 200, 3) for path in written)


def test_a_face_that_can_not_be_saved_is_told(disk, tmp_path):
    make_video(tmp_path / "in.avi", frames=60)
    folder = disk(16)
    options = ["--headless", "--collect", folder / "mine", "--emotions", "glad"]
    fails("realtime.py", "--source", "in.avi", *options, cwd=tmp_path, says="No space left")
    saved = list((folder / "mine/glad").glob("*.png"))
    assert all(cv2.imread(str(path)).shape == (48, 48, 3) for path in saved) and len(saved) < 5


@pytest.mark.slow
@pytest.mark.parametrize("room", [100, 3000])
def test_model_on_a_full_disk(trained, disk, room):
    """The checkpoint or the report does not fit. One line says so, and the earlier model stays."""
    folder = disk(
        sum(path.stat().st_size // 1024 + 4 for path in (trained / "data/model").iterdir()) + room
    )
    shutil.copytree(trained / "data/model", folder / "model")
    before = tree_hash(folder / "model")
    command = [
        sys.executable,
        str(ROOT / "train.py"),
        "--epochs",
        "1",
        "--out",
        str(folder / "model"),
    ]
    done = subprocess.run(command, cwd=trained, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert Path(done.stderr.split(": ")[1]).is_relative_to(folder), done.stderr
    assert tree_hash(folder / "model") == before
    assert set(os.listdir(folder)) <= {"model", ".model.resume"}
