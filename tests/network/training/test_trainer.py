"""train.py on the toy faces.

The tests check targets, leaks, the report, the saved network, resuming, the dry run and the export.
"""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.files import images_in, tree_hash
from support.scripts import fails, run

from common.errors import UserError
from webcam.analysis.classifier import Classifier

FILES = {
    "emotion.keras", "emotion.onnx", "labels.txt", "metrics.json", "training_log.csv", "training_curves.png",
    "confusion_matrix.png", "reliability.png", "stage.json",
}  # fmt: skip


def by_opencv(folder):
    """Return {file name: probabilities} of the validation faces, as realtime.py computes them."""
    paths = images_in(folder / "data/split/val")
    faces = np.stack([np.asarray(Image.open(path)) for path in paths.values()])
    return dict(zip(paths, Classifier.load(folder / "data/model").predict(faces)))


def test_of_epochs_with_the_same_accuracy_the_one_with_the_lowest_loss_is_the_best():
    """With thirty validation faces, many epochs have the same accuracy."""
    from network.training.trainer import best_epoch

    log = [(0.5, 0.7), (0.6, 0.9), (0.6, 0.8), (0.6, 0.85)]
    assert best_epoch([{"val_accuracy": right, "val_loss": loss} for right, loss in log]) == 3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (3580, "1 h 0 min"), (3900, "1 h 5 min")],
)
def test_a_time_is_told_as_people_do(seconds, text):
    from network.training.trainer import duration

    assert duration(seconds) == text


def test_training_that_diverges_stops_after_its_epoch(small, given, tmp_path):
    from network.training.trainer import train

    recipe = replace(small, learning_rate=1e30)
    with pytest.raises(
        UserError, match=r"--learning-rate: the training diverged in epoch 1; lower"
    ):
        train(given, tmp_path / "checkpoint", recipe, False, {})
    assert not list(tmp_path.iterdir())


def test_model_folder_holds_the_promised_files(trained):
    assert set(os.listdir(trained / "data/model")) == FILES
    labels = (trained / "data/model/labels.txt").read_text().split("\n")
    assert labels == [*sorted(path.name for path in (trained / "data/split/train").iterdir()), ""]
    for name in ("training_curves.png", "confusion_matrix.png", "reliability.png"):
        assert min(Image.open(trained / "data/model" / name).size) > 400
    assert not list((trained / "data").glob(".*")), "nothing is left beside it"


def test_metrics_are_those_of_the_exported_network(trained):
    """Recount the accuracy by both rules from emotion.onnx, the images and votes.csv."""
    metrics = json.loads((trained / "data/model/metrics.json").read_text())
    labels = (trained / "data/model/labels.txt").read_text().split()
    votes = pd.read_csv(trained / "data/faces/votes.csv", keep_default_na=False).set_index("image")
    named = {name.split("/")[1]: labels[row.argmax()] for name, row in by_opencv(trained).items()}
    for rule in ("plurality", "majority"):
        truth = votes.loc[list(named), rule]
        truth = truth[truth != ""]
        hits = sum(named[image] == emotion for image, emotion in truth.items())
        assert metrics["val"][rule]["n"] == len(truth)
        assert metrics["val"][rule]["accuracy"] == pytest.approx(hits / len(truth))
        assert np.trace(metrics["val"][rule]["confusion"]) == hits
    assert metrics["test"]["majority"]["n"] == len(images_in(trained / "data/faces/test"))
    assert [epoch["epoch"] for epoch in metrics["log"]] == [1, 2]
    best = max(metrics["log"], key=lambda epoch: (epoch["val_accuracy"], -epoch["val_loss"]))
    assert metrics["best_epoch"] == best["epoch"]


def test_probabilities_are_calibrated(trained):
    """No other temperature gives the labels a higher likelihood.

    The labels are those by both rules, and one more that is shared among the emotions. The error is
    the gap between confidence and accuracy.
    """
    metrics = json.loads((trained / "data/model/metrics.json").read_text())
    labels = (trained / "data/model/labels.txt").read_text().split()
    votes = pd.read_csv(trained / "data/faces/votes.csv", keep_default_na=False).set_index("image")
    named, loss = by_opencv(trained), dict.fromkeys((0.9, 1, 1.1), 0.0)
    for rule in ("plurality", "majority"):
        by_rule = {name: votes[rule][name.split("/")[1]] for name in named}
        known = [name for name in named if by_rule[name]]
        probabilities = np.array([named[name] for name in known], float)
        truth = np.array([labels.index(by_rule[name]) for name in known])
        for temperature in loss:
            powers = probabilities ** (1 / temperature)
            logs = np.log(powers / powers.sum(axis=1, keepdims=True))
            # Each rule gets half of the additional label
            loss[temperature] -= logs[range(len(truth)), truth].sum() + logs.mean() / 2
    assert min(loss, key=loss.get) == 1
    gaps = []
    for low in np.arange(15) / 15:
        there = (probabilities.max(axis=1) >= low) & (probabilities.max(axis=1) < low + 1 / 15)
        right = (probabilities.argmax(axis=1) == truth)[there]
        gaps.append(abs(right.sum() - probabilities.max(axis=1)[there].sum()))
    result = metrics["val"]["majority"]
    assert result["calibration_error"] == pytest.approx(sum(gaps) / len(truth), abs=1e-4)
    assert sum(n for n, _, _ in result["reliability"]) == result["n"]


def test_saved_network_is_plain_and_takes_gray_values(trained):
    """It contains no optimizer. keras and cv2.dnn agree on raw pixels."""
    import keras

    network = keras.saving.load_model(trained / "data/model/emotion.keras")
    assert getattr(network, "optimizer", None) is None
    by_name = dict(list(by_opencv(trained).items())[::10])
    folder = trained / "data/split/val"
    faces = np.stack([np.asarray(Image.open(folder / name)) for name in by_name])[..., None]
    probabilities = network.predict(faces.astype(np.float32), verbose=0)
    assert np.abs(probabilities - np.array(list(by_name.values()))).max() < 1e-3


def test_evaluate_says_what_training_said_and_writes_nothing(trained):
    before = tree_hash(trained / "data/model")
    said = run("train.py", "--evaluate", cwd=trained).stdout
    metrics = json.loads((trained / "data/model/metrics.json").read_text())
    for name in ("val", "test"):
        for rule in ("plurality", "majority"):
            result = metrics[name][rule]
            assert f"{name}, {rule} rule: accuracy {result['accuracy']:.3f}" in said
    assert tree_hash(trained / "data/model") == before


@pytest.mark.slow
def test_export_writes_the_same_network_again(trained, tmp_path):
    shutil.copytree(trained / "data/model", tmp_path / "data/model")
    shutil.copytree(trained / "data/split/val", tmp_path / "data/split/val")
    before = by_opencv(tmp_path)
    (tmp_path / "data/model/emotion.onnx").unlink()
    run("train.py", "--export", cwd=tmp_path)
    after = by_opencv(tmp_path)
    assert max(np.abs(before[name] - after[name]).max() for name in before) < 1e-5
    assert set(os.listdir(tmp_path / "data/model")) == FILES


@pytest.mark.slow
def test_dry_run_with_focal_loss_and_hard_labels_leaves_the_model_alone(few, tmp_path):
    shutil.copytree(few / "train", tmp_path / "data/shuffled")
    shutil.copytree(few / "val", tmp_path / "data/split/val")
    (tmp_path / "data/model").mkdir()
    (tmp_path / "data/model/emotion.keras").write_text("precious")
    run("train.py", "--dry-run", "--loss", "focal", "--labels", "hard", cwd=tmp_path)
    assert set(os.listdir(tmp_path / "data/model-dry-run")) == FILES
    assert (tmp_path / "data/model/emotion.keras").read_text() == "precious"
    assert sorted(os.listdir(tmp_path / "data")) == ["model", "model-dry-run", "shuffled", "split"]


@pytest.mark.parametrize("option", ["--votes", "--test", "--val"])
def test_a_mistyped_path_is_not_taken_for_a_missing_one(toy, option):
    fails("train.py", option, "data/typo", cwd=toy, says=["data/typo", option])
