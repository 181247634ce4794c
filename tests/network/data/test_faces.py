"""Sets of faces: their rows, leaks, what is refused."""

import json
import shutil
from pathlib import Path

import pytest
from support.files import images_in
from support.scripts import fails, on_few, run
from PIL import Image

from network.data.faces import row_number


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


def test_test_faces_that_were_trained_on_are_left_out_and_counted(few, tmp_path):
    """By pixels under another name, and by row; those that are left make the report."""
    train = images_in(few / "train")
    (tmp_path / "test").mkdir()
    for number, (name, path) in enumerate(list(train.items())[5:10]):  # of two emotions
        (tmp_path / "test" / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(path, tmp_path / "test" / name.split("/")[0] / f"other{number}.png")
    row = next(iter(train)).replace(".png", "_contrast.png")
    Image.effect_noise((48, 48), 30).save(tmp_path / "test" / row)
    arguments = [*on_few(few, "model", 1), "--test", "test"]
    says = "training faces too"
    done = run("train.py", *arguments, cwd=tmp_path)
    assert f"test: 6 of 6 faces are {says}" in done.stdout and "\ntest, " not in done.stdout
    for number in range(7):
        face = Image.effect_noise((48, 48), 20 + number)
        emotion = sorted(path.name for path in (tmp_path / "test").iterdir())[number % 2]
        face.save(tmp_path / "test" / emotion / f"new{number}.png")
    done = run("train.py", *arguments, cwd=tmp_path)
    assert f"test: 6 of 13 faces are {says}" in done.stdout
    metrics = json.loads((tmp_path / "model/metrics.json").read_text())
    assert metrics["test"]["folder"]["n"] == 7
    # So does a later report, which finds the same folder by itself, whatever data/shuffled is now
    shutil.copytree(tmp_path / "test", tmp_path / "data/faces/test")
    (tmp_path / "data/shuffled/odd").mkdir(parents=True)
    report = ["--evaluate", "--out", "model", "--val", few / "val"]
    said = run("train.py", *report, cwd=tmp_path).stdout
    assert f"data/faces/test: 6 of 13 faces are {says}" in said and "\ntest, " in said
    done = run("train.py", *arguments[:-2], "--no-test", cwd=tmp_path)
    assert "training faces too" not in done.stdout
    assert "test" not in json.loads((tmp_path / "model/metrics.json").read_text())
    (tmp_path / "model/stage.json").unlink()
    said = run("train.py", *report, cwd=tmp_path).stdout
    assert said.startswith("model: what it was trained on is not at hand")


def test_a_model_does_not_go_into_a_folder_of_faces(few, tmp_path):
    shutil.copytree(few / "val", tmp_path / "test")
    arguments = [*on_few(few, "test/model", 1), "--test", "test"]
    fails("train.py", *arguments, cwd=tmp_path, says=["inside", "the input", "test"])
    assert not (tmp_path / "test/model").exists()


def test_the_test_faces_of_other_data_are_left_out_unless_they_are_asked_for(few, tmp_path):
    for emotion in ("glad", "gloomy"):
        (tmp_path / "data/faces/test" / emotion).mkdir(parents=True)
        Image.effect_noise((48, 48), 30).save(tmp_path / "data/faces/test" / emotion / "a.png")
    done = run("train.py", *on_few(few, "model", 1), cwd=tmp_path)
    assert "data/faces/test: faces of other emotions" in done.stdout
    says = ["mine", "emotions differ", "glad, gloomy"]
    (tmp_path / "mine").symlink_to("data/faces/test")
    fails("train.py", *on_few(few, "model", 1), "--test", "mine", cwd=tmp_path, says=says)


@pytest.mark.parametrize(
    "name, row",
    [
        ("row00012.png", 12),
        ("00001_row12345_contrast.png", 12345),
        ("row100000.png", 100000),
        ("me.png", None),
        ("arrow00012.png", None),
        ("row1.png", None),
        ("row00012x.png", None),
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
