"""Going on from a trained network: train.py --start-from."""

import csv
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from support.scripts import ROOT, fails, on_few, run

PRETRAINED = ROOT / "pretrained"


def weights_of(folder):
    """Return a network's weights before it is averaged over mirrored faces, those of its last layer
    apart.
    """
    import keras

    network = keras.saving.load_model(folder / "emotion.keras")
    (inner,) = (layer for layer in network.layers if isinstance(layer, keras.Model))
    *features, kernel, bias = inner.get_weights()
    return features, kernel, bias


@pytest.fixture
def renamed(few, tmp_path):
    """A folder with train/ and val/ of three emotions, one of which `pretrained` does not know."""
    for part in ("train", "val"):
        for emotion, name in (("happiness", "glad"), ("sadness", "sadness"), ("anger", "anger")):
            shutil.copytree(few / part / emotion, tmp_path / part / name)
    return tmp_path


def test_the_features_are_kept_and_the_last_layer_is_new(renamed):
    said = run("train.py", *on_few(renamed, "model", 2), "--start-from", PRETRAINED, cwd=renamed)
    assert "\n8 faces of anger are few to learn it from; give 10 or more\n" in said.stdout
    assert (renamed / "model/labels.txt").read_text() == "anger\nglad\nsadness\n"
    before, after = weights_of(PRETRAINED), weights_of(renamed / "model")
    assert len(before[0]) == len(after[0]) == 45
    assert all(np.array_equal(old, new) for old, new in zip(before[0], after[0]))
    assert before[1].shape[-1] == 8 and after[1].shape[-1] == 3


def test_with_the_same_emotions_the_last_layer_is_gone_on_with(few, tmp_path):
    """After one step at a tiny learning rate it names the faces as before."""
    arguments = [*on_few(few, "model", 1), "--learning-rate", 1e-9, "--logit-adjustment", 0]
    run("train.py", *arguments, "--start-from", PRETRAINED, cwd=tmp_path)
    _, before, _ = weights_of(PRETRAINED)
    _, after, _ = weights_of(tmp_path / "model")
    factor = after / before  # one for all: the temperature
    assert factor == pytest.approx(np.full(before.shape, factor.mean()), rel=1e-3)


def test_a_stopped_fine_tuning_is_resumed_from_the_same_network_alone(few, trained, tmp_path):
    arguments = on_few(few, "model", 12)
    command = [sys.executable, ROOT / "train.py", *arguments, "--start-from", PRETRAINED]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    while not (tmp_path / ".model.resume/training_log.csv").exists() and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.wait()
    resume = [*arguments, "--resume", "--start-from"]
    says = "the stopped run had other faces, votes or --start-from"
    fails("train.py", *resume, trained / "data/model", cwd=tmp_path, says=says)
    assert "resuming after epoch" in run("train.py", *resume, PRETRAINED, cwd=tmp_path).stdout
    with open(tmp_path / "model/training_log.csv") as f:
        assert [int(row["epoch"]) for row in csv.DictReader(f)] == list(range(1, 13))
    before, after = weights_of(PRETRAINED), weights_of(tmp_path / "model")
    assert all(np.array_equal(old, new) for old, new in zip(before[0], after[0]))


def test_other_networks_are_refused(few, trained, tmp_path):
    wide = ["--width", 0.5, *on_few(few, "model", 1)]
    says = [
        "has other layers than the network to train",
        "give the --width that it was trained with",
    ]
    fails("train.py", *wide, "--start-from", PRETRAINED, cwd=tmp_path, says=says)
    says = "nowhere/emotion.keras: no such file; correct --start-from"
    fails("train.py", *on_few(few, "model", 1), "--start-from", "nowhere", cwd=tmp_path, says=says)
    shutil.copytree(PRETRAINED, tmp_path / "broken")
    (tmp_path / "broken/emotion.keras").write_bytes(b"PK half a download")
    says = "broken/emotion.keras: not a Keras network"
    fails("train.py", *on_few(few, "model", 1), "--start-from", "broken", cwd=tmp_path, says=says)
    assert not list(tmp_path.glob("*model*")) and not list(tmp_path.glob(".model*"))
