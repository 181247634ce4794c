"""Sets of faces: their rows, leaks, refusals."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from support.files import images_in
from support.scripts import fails, on_few

from common.errors import UserError
from dataset.stage import write_stage
from network.data.faces import DEFAULT_TEST, load_sets, row_number
from network.data.input import Paths, read_input, without_trained_on
from network.recipe import Recipe


def paths_of(train, val, test=None):
    return Paths(train, val, test, Path("no votes.csv"), Path("model"))


def test_a_training_face_that_validates_too_is_refused(few, tmp_path):
    """The test finds it by its pixels, and by its row: a contrast copy has other pixels."""
    shutil.copytree(few / "train", tmp_path / "train")
    name, path = next(iter(images_in(few / "val").items()))
    added = tmp_path / "train" / name.replace(".png", "_contrast.png")
    Image.effect_noise((48, 48), 30).save(added)
    renamed = added.with_name("renamed.png")
    for _ in range(2):
        where = re.escape(str(Path(name)))
        mend = "run contrast.py, .*random_shuffle.py again"
        says = f"{where}: this face is also in .*train, so it can't be used for.*; {mend}"
        with pytest.raises(UserError, match=says):
            read_input(Recipe(), paths_of(tmp_path / "train", few / "val"), None)
        added.unlink()
        shutil.copyfile(path, renamed)
        added = renamed


@pytest.fixture
def known(few, tmp_path):
    """Make a folder test/ with six faces that are also training faces, by pixels or by row."""
    train = images_in(few / "train")
    for number, (name, path) in enumerate(list(train.items())[5:10]):  # of two emotions
        (tmp_path / "test" / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copyfile(path, tmp_path / "test" / name.split("/")[0] / f"other{number}.png")
    row = next(iter(train)).replace(".png", "_contrast.png")
    Image.effect_noise((48, 48), 30).save(tmp_path / "test" / row)
    return tmp_path / "test"


def add_new(test):
    """Add seven faces that are in no other set."""
    emotions = sorted(path.name for path in test.iterdir())
    for number in range(7):
        face = Image.effect_noise((48, 48), 20 + number)
        face.save(test / emotions[number % 2] / f"new{number}.png")


def test_test_faces_that_were_trained_on_are_left_out_and_counted(few, known, capsys):
    paths = paths_of(few / "train", few / "val", known)
    assert set(read_input(Recipe(), paths, None).sets) == {"val"}
    assert "test: 6 of 6 faces are also training faces" in capsys.readouterr().out
    add_new(known)
    given = read_input(Recipe(), paths, None)
    assert "test: 6 of 13 faces are also training faces" in capsys.readouterr().out
    assert given.sets["test"].images.shape == (7, 48, 48, 1)
    assert {path.name[:3] for path in given.sets["test"].paths} == {"new"}
    assert set(read_input(Recipe(), replace(paths, test=None), None).sets) == {"val"}
    assert not capsys.readouterr().out


def test_a_later_report_leaves_out_what_was_trained_on(few, known, tmp_path, capsys):
    """The report finds the folder of the training faces in the network's stage.json."""
    add_new(known)
    sets, emotions = load_sets(
        {"test": known}, sorted(path.name for path in (few / "val").iterdir())
    )
    model = tmp_path / "model"
    model.mkdir()
    same = without_trained_on(sets, {"test": known}, model, emotions)
    assert same is sets and "its training faces were not found" in capsys.readouterr().out
    write_stage(model, "train.py", model, {"train": few / "train"}, {}, {})
    left = without_trained_on(sets, {"test": known}, model, emotions)
    assert len(left["test"].paths) == 7


def test_a_model_does_not_go_into_a_folder_of_faces(few, tmp_path):
    shutil.copytree(few / "val", tmp_path / "test")
    arguments = [*on_few(few, "test/model", 1), "--test", "test"]
    fails("train.py", *arguments, cwd=tmp_path, says=["overlaps the input", "test"])
    assert not (tmp_path / "test/model").exists()


def test_the_test_faces_of_other_data_are_left_out_unless_they_are_asked_for(
    few, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for emotion in ("glad", "gloomy"):
        (DEFAULT_TEST / emotion).mkdir(parents=True)
        Image.effect_noise((48, 48), 30).save(DEFAULT_TEST / emotion / "a.png")
    given = read_input(Recipe(), paths_of(few / "train", few / "val", DEFAULT_TEST), None)
    assert set(given.sets) == {"val"}
    said = capsys.readouterr().out
    assert f"{DEFAULT_TEST}: has emotions that {few / 'train'} lacks; left out of the rep" in said
    Path("mine").symlink_to(DEFAULT_TEST)
    with pytest.raises(UserError, match=r"mine: its emotions differ .*glad, gloomy"):
        read_input(Recipe(), paths_of(few / "train", few / "val", Path("mine")), None)


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
    says = [str(Path("train/anger/a.png")), "not a readable image"]
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
