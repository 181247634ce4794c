"""Earlier networks as teachers: which may teach, and that they do."""

import json
import shutil

import pytest
from support.scripts import fails, on_few, run

from common.errors import UserError
from network.training.teachers import read_teachers


@pytest.mark.parametrize(
    "what, says",
    [
        ("another split", "another split"),
        ("a start", "went on from another network"),
        ("other emotions", "knows anger, neutral"),
        ("no stage.json", "no network of train.py"),
        ("no metrics.json", "no network of train.py"),
        ("no such folder", "no network of train.py"),
    ],
)
def test_who_may_not_teach(trained, tmp_path, what, says):
    folder = tmp_path / "model"
    shutil.copytree(trained / "data/model", folder)
    labels = (folder / "labels.txt").read_text().split()
    stage = json.loads((folder / "stage.json").read_text())
    val = stage["arguments"]["faces"]["val"]
    if what == "a start":
        stage["arguments"]["faces"]["start"] = val
        (folder / "stage.json").write_text(json.dumps(stage))
    elif what == "other emotions":
        (folder / "labels.txt").write_text("anger\nneutral\n")
    elif what == "no such folder":
        shutil.rmtree(folder)
    elif what.startswith("no "):
        (folder / what.split()[1]).unlink()
    with pytest.raises(UserError, match=says):
        read_teachers([folder], val[::-1] if what == "another split" else val, labels)


def test_a_taught_network_differs_and_tells_its_teachers(few, tmp_path):
    for name in ("plain", "teacher"):
        run("train.py", *on_few(few, name, 1), "--seed", 1 if name == "plain" else 2, cwd=tmp_path)
    taught = [*on_few(few, "taught", 1), "--seed", 1, "--teachers", "teacher"]
    run("train.py", *taught, cwd=tmp_path)
    metrics = [
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("plain", "taught")
    ]
    losses = [result["log"][0]["loss"] for result in metrics]
    assert losses[0] != losses[1]
    stage = json.loads((tmp_path / "taught/stage.json").read_text())["arguments"]
    assert stage["teachers"] == ["teacher"] and len(stage["faces"]["teachers"]) == 1
    # The other way round the validation faces are those that it learned from
    turned = ["--train", few / "val", "--val", few / "train", "--epochs", 1]
    fails("train.py", *turned, "--teachers", "teacher", cwd=tmp_path, says="another split")
