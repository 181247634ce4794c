"""A stopped training resumes. A different training is refused."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.files import images_in, tree_hash
from support.scripts import ROOT, fails, on_few, run

from network.digests import digest


@pytest.mark.slow
def test_killed_training_resumes_without_gap_or_repeat(few, tmp_path):
    """The training is killed after the first epoch. The resumed run has all epochs, each once."""
    arguments = on_few(few, tmp_path / "model", 3)
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    killed = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = tmp_path / ".model.resume/training_log.csv"
    while not log.exists() and killed.poll() is None:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert log.exists() and not (tmp_path / "model").exists()
    assert "resume" in fails(
        "train.py",
        *arguments,
        "--resume",
        "--seed",
        7,
        cwd=tmp_path,
        says=["--seed", ".model.resume"],
    )
    said = run("train.py", *arguments, "--resume", cwd=tmp_path).stdout
    assert re.search(r"resuming after epoch [12]", said)
    assert pd.read_csv(tmp_path / "model/training_log.csv")["epoch"].tolist() == [1, 2, 3]
    assert os.listdir(tmp_path) == ["model"]
    assert "folder" in json.loads((tmp_path / "model/metrics.json").read_text())["val"]


@pytest.mark.parametrize(
    "what", ["other faces", "other options", "not ours", "spoiled", "lacks a line", "cut"]
)
def test_a_run_that_is_not_the_same_is_not_resumed(few, tmp_path, what):
    """The refusal comes before hours of training.

    The pixels of the faces are compared. With other faces, the network may have seen the validation
    faces.
    """
    digests = {}
    for name in ("train", "val"):
        paths = images_in(few / name)
        pixels = np.stack([np.asarray(Image.open(path))[..., None] for path in paths.values()])
        emotions, labels = np.unique([path.split("/")[0] for path in paths], return_inverse=True)
        targets = np.eye(len(emotions), dtype=np.float32)[labels] if name == "train" else labels
        digests[name] = digest(pixels, targets)
    recipe = {
        "width": 1.0,
        "epochs": 24 if what == "other options" else 3,
        "batch_size": 128,
        "learning_rate": 0.004,
    }
    recipe |= {"labels": "soft", "loss": "crossentropy", "bfloat16": False}
    recipe["faces"] = digests
    if what == "other faces":
        recipe["faces"]["val"] = digests["train"]
    if what == "lacks a line":
        del recipe["loss"]
    resume = tmp_path / ".model.resume"
    resume.mkdir()
    if what != "not ours":
        text = json.dumps({"script": "train.py", "arguments": recipe, "seed": 42})
        (resume / "stage.json").write_text("[" * 200_000 if what == "spoiled" else text)
    if what == "cut":
        (resume / "training_log.csv").write_text(
            "epoch,accuracy,loss,val_accuracy,val_loss\n1,0.5,1.0,0.5,1.0\n"
        )
        (resume / "training.keras").write_bytes(b"PK\x03\x04 half of a download")
    before = tree_hash(resume)
    says = {
        "other faces": "different faces, votes or --start-from; give",
        "other options": "different --epochs; give",
    }
    says |= {"lacks a line": "can't be resumed ('loss')", "cut": "can't be resumed ("}
    arguments = on_few(few, tmp_path / "model", 3)
    says = [".model.resume", says.get(what, "was not made by train.py")]
    fails("train.py", *arguments, "--resume", cwd=tmp_path, says=says)
    assert tree_hash(resume) == before and os.listdir(tmp_path) == [".model.resume"]
