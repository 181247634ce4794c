"""Sets of faces: their rows, leaks, what is refused."""

import shutil
from pathlib import Path

import pytest
from conftest import fails, images_in
from PIL import Image

from network.faces import row_number


def test_a_training_face_that_validates_too_is_refused(toy, tmp_path):
    """By pixels, and by row: a contrast copy of a validation face has other pixels."""
    arguments = ["--train", tmp_path / "train", "--out", tmp_path / "model"]
    says = ["data/split/val/", "random_shuffle.py"]
    for copy in ("split/val/anger", "contrast/anger"):
        shutil.copytree(toy / "data/split/train", tmp_path / "train")
        if copy == "contrast/anger":
            name = (
                next(iter(images_in(toy / "data/split/val")))
                .split("/")[1]
                .replace(".png", "_contrast.png")
            )
            Image.effect_noise((48, 48), 30).save(tmp_path / "train/anger" / name)
        else:
            path = next((toy / "data" / copy).iterdir())
            shutil.copyfile(path, tmp_path / "train/anger/renamed.png")
        fails("train.py", *arguments, cwd=toy, says=says)
        shutil.rmtree(tmp_path / "train")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "name, row",
    [
        ("row00012.png", 12),
        ("00001_row12345_contrast.png", 12345),
        ("row100000.png", 100000),
        ("me.png", None),
        ("arrow12.png", None),
        ("row12x.png", None),
    ],
)
def test_row_number(name, row):
    assert row_number(Path(name)) == row


def test_unreadable_training_face(few, tmp_path):
    shutil.copytree(few / "train", tmp_path / "train")
    (tmp_path / "train/anger/a.png").write_bytes(b"no picture")
    says = ["train/anger/a.png", "not a readable image"]
    fails("train.py", "--train", tmp_path / "train", "--val", few / "val", cwd=tmp_path, says=says)


def test_other_emotions_in_validation_are_refused(toy, tmp_path):
    shutil.copytree(toy / "data/split/val", tmp_path / "val")
    (tmp_path / "val/anger").rename(tmp_path / "val/angry")
    fails(
        "train.py",
        "--val",
        tmp_path / "val",
        cwd=toy,
        says=[str(tmp_path / "val"), "anger", "angry"],
    )
