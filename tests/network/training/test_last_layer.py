"""A last layer fitted to a few labelled faces."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from support.files import images_in
from support.scripts import ROOT, run

from network.data.faces import Faces
from network.evaluation.calibration import softmax

keras = pytest.importorskip("keras")

KNOWN = ["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]


def features_of(weights):
    """Return the weights of a saved network's features."""
    network = keras.saving.load_model(weights)
    return network.get_layer("logits").get_weights()[:-2]


def test_a_few_faces_of_known_emotions_give_new_biases(few, tmp_path):
    arguments = ["--train", few / "train", "--val", few / "val", "--out", "model"]
    arguments += ["--start-from", ROOT / "pretrained"]
    said = run("train.py", *arguments, cwd=tmp_path).stdout
    assert "last layer: new biases for the emotions it knows; --epochs trains it" in said
    made = {path.name for path in (tmp_path / "model").iterdir()}
    assert "emotion.onnx" in made and not {"training_log.csv", "training_curves.png"} & made
    stage = json.loads((tmp_path / "model/stage.json").read_text())
    assert stage["arguments"]["epochs"] == 0
    before, after = (
        features_of(folder / "emotion.keras")
        for folder in (ROOT / "pretrained", tmp_path / "model")
    )
    assert all(np.array_equal(old, new) for old, new in zip(before, after))
    metrics = json.loads((tmp_path / "model/metrics.json").read_text())["val"]
    confusion = np.array(next(iter(metrics.values()))["confusion"])
    last = said.splitlines()[-1]
    assert f"{confusion.trace()} of your {confusion.sum()} validation faces are right" in last
    for emotion, row, right in zip(KNOWN, confusion, confusion.diagonal()):
        asked = f"{emotion}: {right} of {row.sum()}" in last and last.endswith(", collect more")
        assert asked == (2 * right < row.sum()), last


def test_new_emotions_are_learned_by_regression_and_old_names_understood(few, tmp_path):
    for part in ("train", "val"):
        for emotion, name in (("anger", "angry"), ("happiness", "happy"), ("sadness", "bored")):
            (tmp_path / part / name).mkdir(parents=True)
            for path in images_in(few / part).values():
                if path.parent.name == emotion:
                    shutil.copy(path, tmp_path / part / name)
    arguments = ["--train", "train", "--val", "val", "--start-from", ROOT / "pretrained"]
    said = run("train.py", *arguments, "--out", "model", cwd=tmp_path).stdout
    assert "last layer: a regression on its 208 features, C = 0.01; " in said
    for part in ("train", "val"):
        shutil.rmtree(tmp_path / part / "bored")
    said = run("train.py", *arguments, "--out", "model", cwd=tmp_path).stdout
    assert "last layer: new biases" in said


def faces_of(labels, emotions):
    """Return faces with these labels. Their pixels do not matter."""
    paths = [Path(f"{number}.png") for number in range(len(labels))]
    counts = {str(emotion): int((labels == emotion).sum()) for emotion in range(emotions)}
    return Faces(np.zeros((len(labels), 48, 48, 1), np.uint8), labels, paths, counts)


def test_biases_follow_the_labels_and_one_face_moves_them_little():
    from network.training.last_layer import fit_biases

    rng = np.random.default_rng(0)
    known = np.eye(3), np.zeros(3)
    logits = rng.normal(0, 1, (3000, 3))
    drawn = softmax(logits + np.array([2, 0, -2])).cumsum(axis=1)
    labels = (rng.random((3000, 1)) > drawn).sum(axis=1)
    kernel, bias = fit_biases(known, logits, labels)
    scale = kernel[0, 0]
    assert np.allclose(kernel, scale * np.eye(3)) and scale == pytest.approx(1, abs=0.1)
    assert (bias - bias.mean()) / scale == pytest.approx([2, 0, -2], abs=0.15)
    kernel, bias = fit_biases(known, logits[:1], labels[:1])
    assert abs(bias / kernel[0, 0]).max() < 0.6


@pytest.mark.parametrize("emotions", [2, 4])
def test_the_regression_is_that_of_scikit_learn(emotions):
    """It is tested on all features, and on mixtures of them."""
    from network.training.last_layer import regress

    rng = np.random.default_rng(0)
    features = rng.normal(3, [1, 10, 0.1, 2, 5], (60, 5))
    labels = np.arange(60) % emotions
    for basis in (np.eye(5), rng.normal(0, 1, (5, 3))):
        kernel, bias = regress(basis, 0.1, features, labels)
        inputs = features @ basis
        scaled = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
        wanted = LogisticRegression(C=0.1).fit(scaled, labels).predict_proba(scaled)
        assert softmax(features @ kernel + bias) == pytest.approx(wanted, abs=1e-3)


def test_the_way_is_chosen_by_the_number_of_faces_and_by_their_labels():
    from network.training.last_layer import FEW, fit_best, list_ways

    rng = np.random.default_rng(0)
    trained = np.eye(8, 6), np.zeros(6)
    same = list(range(6))
    assert len(list_ways(trained, same, FEW - 1)) == 1
    ways = list_ways(trained, same, FEW)
    assert len(list_ways(trained, [], FEW - 1)) == 1 and len(ways) > 10
    features = rng.normal(0, 2, (180, 8)).astype(np.float32)
    shares = softmax(features[:, :6]).cumsum(axis=1)
    labels = (rng.random((180, 1)) > shares).sum(axis=1)
    assert "biases" in fit_best(ways, features, faces_of(labels, 6))[0]
    shuffled = (labels + 1) % 6  # the network has other names for them
    assert "logits" in fit_best(ways, features, faces_of(shuffled, 6))[0]
    unknown = (features[:, 7] > 0).astype(int)  # the logits do not contain them
    ways = list_ways(trained, [], FEW)
    assert "features" in fit_best(ways, features, faces_of(unknown, 2))[0]


def test_a_face_and_its_copies_lie_in_one_fold():
    """Noise teaches nothing. Copies in two folds would make any strength seem right."""
    from network.training.last_layer import cross_validate, regress

    rng = np.random.default_rng(0)
    features, labels = (
        np.repeat(rng.normal(0, 1, (40, 30)), 3, axis=0),
        np.repeat(np.arange(40) % 2, 3),
    )
    faces = faces_of(labels, 2)
    faces.paths = [
        Path(f"{3 * n + m:05}_me{n}{ending}.png")
        for n in range(40)
        for m, ending in enumerate(["", "_contrast", "_sharpness"])
    ]
    loss = cross_validate(lambda *given: regress(np.eye(30), 10.0, *given), features, faces)
    assert loss > np.log(2)
