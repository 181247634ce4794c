"""Earlier networks as teachers: which may teach, and what becomes of the targets."""

import json
import shutil

import numpy as np
import pytest
from conftest import fails, on_few, run

from common.errors import UserError
from network.teachers import blend, read_teachers


def test_targets_are_half_the_votes_and_half_the_mean_of_the_teachers():
    targets = np.array([[1, 0, 0], [0, 0.5, 0.5]], np.float32)
    opinions = [np.array([[0.6, 0.4, 0], [0, 1, 0]]), np.array([[0.2, 0.4, 0.4], [0, 0, 1]])]
    blended = blend(targets, opinions)
    assert blended.dtype == np.float32
    assert blended == pytest.approx(np.array([[0.7, 0.2, 0.1], [0, 0.5, 0.5]]))


def test_an_opinion_is_what_the_network_said_before_it_was_calibrated(trained):
    labels = (trained / "data/model/labels.txt").read_text().split()
    stage = json.loads((trained / "data/model/stage.json").read_text())
    metrics = json.loads((trained / "data/model/metrics.json").read_text())
    val = stage["arguments"]["faces"]["val"]
    (teacher,) = read_teachers([trained / "data/model"], val, labels)
    logits = np.random.default_rng(0).normal(size=(4, len(labels)))
    offsets = np.array([metrics["logit_offsets"][emotion] for emotion in labels])
    calibrated = np.exp((logits - offsets) / metrics["temperature"])
    opinion = teacher.opinion(calibrated / calibrated.sum(axis=1, keepdims=True))
    learned = np.exp(logits)
    assert opinion == pytest.approx(learned / learned.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    "what, says",
    [
        ("another split", "another split"),
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
    val = json.loads((folder / "stage.json").read_text())["arguments"]["faces"]["val"]
    if what == "other emotions":
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
