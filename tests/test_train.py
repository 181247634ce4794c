"""train.py on the toy faces: targets, leaks, the report, the saved network, resuming, dry run and export."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, fails, images_in, run, tree_hash
from PIL import Image

from network.augmentation import Augmentation, augment, batches
from network.calibration import calibration_error
from network.checkpoint import digest
from network.corruptions import corrupted
from network.faces import Faces, row_number
from network.recipe import Recipe
from network.targets import labels_by_rule, soft_targets

FILES = {
    "emotion.keras", "emotion.tflite", "labels.txt", "metrics.json", "training_log.csv", "training_curves.png",
    "confusion_matrix.png", "reliability.png", "stage.json",
}  # fmt: skip


def tflite(folder):
    """Return {file name: probabilities} of the validation faces by the exported network, as realtime.py reads it."""
    paths = images_in(folder / "data/split/val")
    net = cv2.dnn.readNetFromTFLite(str(folder / "data/model/emotion.tflite"))
    net.setInput(np.stack([np.asarray(Image.open(path)) for path in paths.values()])[:, None].astype(np.float32))
    return dict(zip(paths, net.forward()))


def test_soft_targets_drop_single_votes_and_faces_without_votes_keep_their_folder():
    votes = pd.DataFrame({"anger": [6, 1, 0, 6], "fear": [2, 1, 0, 2], "NF": [5, 1, 0, 0]}, index=[3, 4, 5, 6])
    names = ["row00003.png", "00009_row00004_contrast.png", "row00005.png", "me.png", "row00006.png"]
    faces = Faces(np.zeros((5, 48, 48, 1)), np.array([0, 1, 1, 1, 2]), [Path(name) for name in names], {})
    targets = soft_targets(faces, ["anger", "fear", "tired"], votes)
    assert targets.tolist() == [[0.75, 0.25, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert targets.dtype == np.float32


def test_labels_of_faces_sorted_into_emotions_that_the_votes_lack_are_their_folders():
    """All of them: the rule is `folder`. Some: FER+'s label for those in a folder that it names alone."""
    votes = pd.DataFrame({"plurality": ["anger", "fear"], "majority": ["anger", ""], "anger": [9, 4], "fear": [0, 5]})
    paths = [Path("row00000.png"), Path("row00001.png"), Path("row00001_contrast.png"), Path("me.png")]
    faces = Faces(np.zeros((4, 48, 48, 1)), np.array([1, 1, 0, 0]), paths, {})
    assert [*labels_by_rule(faces, ["happy", "tired"], votes)] == ["folder"]
    rules = {rule: labels.tolist() for rule, labels in labels_by_rule(faces, ["fear", "tired"], votes).items()}
    assert rules == {"plurality": ["tired", "tired", "fear", "fear"], "majority": ["tired", "tired", "", "fear"]}


def test_training_that_diverges_stops_after_its_epoch(few, tmp_path):
    arguments = ["--train", few / "train", "--val", few / "val", "--learning-rate", 1e30, "--batch-size", 4]
    fails("train.py", *arguments, cwd=tmp_path, says=["diverged in epoch", "--learning-rate"])
    assert not (tmp_path / "data").exists()


def test_model_folder_holds_the_promised_files(trained):
    assert set(os.listdir(trained / "data/model")) == FILES
    labels = (trained / "data/model/labels.txt").read_text().split("\n")
    assert labels == [*sorted(path.name for path in (trained / "data/split/train").iterdir()), ""]
    for name in ("training_curves.png", "confusion_matrix.png", "reliability.png"):
        assert min(Image.open(trained / "data/model" / name).size) > 400
    assert not list((trained / "data").glob(".*")), "nothing is left beside it"


def test_metrics_are_those_of_the_exported_network(trained):
    """Recount accuracy by both rules from emotion.tflite, the images and votes.csv alone."""
    metrics = json.loads((trained / "data/model/metrics.json").read_text())
    labels = (trained / "data/model/labels.txt").read_text().split()
    votes = pd.read_csv(trained / "data/faces/votes.csv", keep_default_na=False).set_index("image")
    named = {name.split("/")[1]: labels[row.argmax()] for name, row in tflite(trained).items()}
    for rule in ("plurality", "majority"):
        truth = votes.loc[list(named), rule]
        truth = truth[truth != ""]
        hits = sum(named[image] == emotion for image, emotion in truth.items())
        assert metrics["val"][rule]["n"] == len(truth)
        assert metrics["val"][rule]["accuracy"] == pytest.approx(hits / len(truth))
        assert np.trace(metrics["val"][rule]["confusion"]) == hits
    assert metrics["test"]["majority"]["n"] == len(images_in(trained / "data/faces/test"))
    assert metrics["parameters"] <= 1_250_000
    assert [epoch["epoch"] for epoch in metrics["log"]] == [1, 2]
    best = max(metrics["log"], key=lambda epoch: epoch["val_accuracy"])
    assert metrics["best_epoch"] == best["epoch"]


def test_probabilities_are_calibrated(trained):
    """No other temperature makes the validation faces likelier, and the error is the gap between sure and right."""
    metrics = json.loads((trained / "data/model/metrics.json").read_text())
    labels = (trained / "data/model/labels.txt").read_text().split()
    votes = pd.read_csv(trained / "data/faces/votes.csv", keep_default_na=False).set_index("image")["majority"]
    rows = {name: row for name, row in tflite(trained).items() if votes[name.split("/")[1]]}
    probabilities = np.array(list(rows.values()))
    truth = np.array([labels.index(votes[name.split("/")[1]]) for name in rows])
    loss = {}
    for temperature in (0.9, 1, 1.1):
        powers = probabilities ** (1 / temperature)
        loss[temperature] = -np.log((powers / powers.sum(axis=1, keepdims=True))[range(len(truth)), truth]).mean()
    assert min(loss, key=loss.get) == 1
    gaps = []
    for low in np.arange(15) / 15:
        there = (probabilities.max(axis=1) >= low) & (probabilities.max(axis=1) < low + 1 / 15)
        right = (probabilities.argmax(axis=1) == truth)[there]
        gaps.append(abs(right.sum() - probabilities.max(axis=1)[there].sum()))
    result = metrics["val"]["majority"]
    assert result["calibration_error"] == pytest.approx(sum(gaps) / len(truth), abs=1e-4)
    assert sum(n for n, _, _ in result["reliability"]) == result["n"]


def test_calibration_error_of_four_faces():
    """Sure by 0.9 and right in half: 0.4 off; sure by 0.55 and right: 0.45 off."""
    truth, predicted = np.array(["a", "b", "a", "a"]), np.array(["a", "a", "a", "a"])
    error, bins = calibration_error(truth, np.array([0.9, 0.9, 0.55, 0.55]), predicted)
    assert error == pytest.approx((2 * 0.4 + 2 * 0.45) / 4)
    assert [n for n, _, _ in bins] == [2, 2]


def test_corrupted_faces_are_what_their_names_say():
    faces = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1)).astype(np.uint8)
    faces[0] = np.arange(48, dtype=np.uint8)[None, :, None] * 5
    changed = {name: images for name, _, images in corrupted(faces)}
    assert all(images.shape == faces.shape for images in changed.values())
    assert np.abs(changed["brightness"] - 0.3 * faces).max() <= 1
    shifts = {round(np.median(changed["translation"][0, 20, 10:38, 0].astype(int) - faces[0, 20, 10:38, 0]))}
    assert shifts <= {24, -24}  # 10 % of 48 are 4.8 pixels, of 5 grays each
    assert 10 < (changed["gaussian_noise"].astype(float) - faces)[faces % 200 > 50].std() < 20
    assert (changed["occlusion"] == 127).sum() >= 2 * 16 * 16
    tilted = changed["rotation"][0, :, :, 0].astype(float)
    assert abs(np.polyfit(range(10, 38), tilted[10:38, 24], 1)[0]) == pytest.approx(5 * np.sin(np.pi / 12), rel=0.1)
    assert all((images == changed[name]).all() for name, _, images in corrupted(faces)), "the same at every call"


def test_saved_network_is_plain_and_takes_gray_values(trained):
    """No optimizer in it; keras and cv2.dnn agree on raw pixels."""
    code = """
import json, sys, keras, numpy as np
network = keras.saving.load_model(sys.argv[1])
faces = np.load(sys.argv[2])
print(json.dumps([network.predict(faces, verbose=0).tolist(), getattr(network, 'optimizer', None) is None]))
"""
    by_name = dict(list(tflite(trained).items())[::10])
    faces = np.stack([np.asarray(Image.open(trained / "data/split/val" / name)) for name in by_name])[..., None]
    np.save(trained / "faces.npy", faces.astype(np.float32))
    command = [sys.executable, "-c", code, str(trained / "data/model/emotion.keras"), str(trained / "faces.npy")]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    probabilities, bare = json.loads(said)
    (trained / "faces.npy").unlink()
    assert bare
    assert np.abs(np.array(probabilities) - np.array(list(by_name.values()))).max() < 1e-3


STEADY = Augmentation(0, 0, 0, blur_probability=0, noise_probability=0, erase_probability=0)  # but for the mirror


def augmented(face, times=300, **changes):
    draw = np.random.default_rng(0)
    return np.stack([augment(face, replace(STEADY, **changes), draw) for _ in range(times)])


def test_augmentation_mirrors_half_of_the_faces_and_leaves_the_rest_as_they_are():
    face = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    faces = augmented(face)
    same, mirrored = [(faces == wanted).all(axis=(1, 2)) for wanted in (face, face[:, ::-1])]
    assert (same ^ mirrored).all() and 120 < same.sum() < 180


def test_augmentation_shifts_turns_and_zooms_within_its_bounds():
    """A bright bar of 12x2 pixels, 6 right of the middle: where it lies, how long it is, how steep."""
    face = np.zeros((48, 48), np.uint8)
    face[23:25, 24:36] = 255
    middle = np.array([6, 0])

    def bars(**changes):
        for image in augmented(face, **changes):
            y, x = np.nonzero(image > 50)
            weights = image[y, x].astype(float)
            spread = np.cov(np.stack([x, y]), aweights=weights)
            yield np.average([x - 23.5, y - 23.5], axis=1, weights=weights), spread, image.sum() / face.sum()

    off = np.abs([place * (np.sign(place[0]), 1) - middle for place, _, _ in bars(max_shift=0.1)])
    assert (off.max(axis=0) > 4).all() and (off.max(axis=0) < 4.8 + 0.2).all()
    turned = [np.arctan(spread[0, 1] / (spread[0, 0] - spread[1, 1])) for _, spread, _ in bars(max_rotation=15)]
    assert 13 < np.degrees(max(turned)) < 17 and -17 < np.degrees(min(turned)) < -13
    sizes = [size for _, _, size in bars(max_zoom=0.15)]
    assert 0.85**2 * 0.9 < min(sizes) < 0.85 and 1.15 < max(sizes) < 1.15**2 * 1.1


def test_augmentation_blurs_adds_noise_and_covers():
    face = np.full((48, 48), 128, np.uint8)
    face[:, 24:] = 255
    blurred = augmented(face, blur_probability=0.5)
    steps = np.sort(np.abs(np.diff(blurred.astype(int), axis=2)).max(axis=(1, 2)))  # 127 where nothing is blurred
    assert 20 < steps[0] < 40 and 100 < (steps < 126).sum() < 170 and np.abs(blurred.mean((1, 2)) - 191.5).max() < 1
    noisy = augmented(face, noise_probability=1)
    noise = noisy[:100, 10:20, 5:20].astype(float).std(axis=(1, 2))  # 128 grays, or 255 if mirrored
    assert 15 < noise.max() < 22 and noise.min() < 2
    assert noisy.min() > 20, "no gray value has run over"
    covered = (augmented(np.zeros((48, 48), np.uint8), erase_probability=0.5) > 0).mean(axis=(1, 2))
    assert 100 < (covered == 0).sum() < 200 and 0.1 < covered.max() < 0.25


def test_batches_hold_every_face_once_an_epoch_and_resume_where_they_stopped():
    """A face's number is its gray value and its target: the two stay together."""
    faces = np.repeat(np.arange(10, dtype=np.uint8), 48 * 48).reshape(10, 48, 48, 1)
    options = {"batch_size": 4, "augmentation": STEADY, "seed": 1}
    ours = [next(batch) for batch in [batches(faces, np.arange(10), **options)] for _ in range(6)]
    assert [images.shape for images, _ in ours] == [(4, 48, 48, 1), (4, 48, 48, 1), (2, 48, 48, 1)] * 2
    assert all((images == targets[:, None, None, None]).all() for images, targets in ours)
    first, second = (np.concatenate([targets for _, targets in epoch]) for epoch in (ours[:3], ours[3:]))
    assert sorted(first) == sorted(second) == list(range(10)) and (first != second).any()
    resumed = next(batches(faces, np.arange(10), **options, epoch=1))
    assert (resumed[1] == ours[3][1]).all()


def test_the_answer_is_the_mean_over_a_face_and_its_mirror_image():
    import keras

    from network import architecture

    keras.utils.set_random_seed(0)
    network = architecture.build_network(3, Recipe())
    head = network.layers[-3]  # untrained scores of the two sides hardly differ: a hundred times as large, they do
    head.set_weights([100 * weights for weights in head.get_weights()])
    faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1)).astype(np.float32)
    faces[:, :, :24] /= 4  # so that the two sides are unlike
    scores = keras.Model(network.input, network.layers[-2].output)
    mean = (scores(faces) + scores(faces[:, :, ::-1])) / 2
    assert np.abs(architecture.average_mirrored(network)(faces) - keras.ops.softmax(mean)).max() < 1e-6
    assert np.abs(scores(faces) - scores(faces[:, :, ::-1])).max() > 1e-3


def test_only_dim_faces_are_made_brighter():
    """Up to nearly the same mean; the others pass as they are, a black face too."""
    import keras

    from network import architecture

    faces = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 1)).astype(np.float32)
    faces = np.concatenate([faces, 0.71 * faces, 0.3 * faces, 0.1 * faces, 0 * faces])
    lifted = keras.ops.convert_to_numpy(architecture.brighten_dim_faces(faces, Recipe()))
    assert (lifted[[0, 1, 4]] == faces[[0, 1, 4]]).all()
    assert lifted[2].mean() == pytest.approx(Recipe().min_mean_gray, rel=0.1) == lifted[3].mean()
    assert lifted[3] / lifted[3].mean() == pytest.approx(faces[0] / faces[0].mean(), rel=1e-4)


def test_muon_takes_steps_of_one_size_in_every_direction_of_a_kernel():
    """However unlike the gradient's directions are; a 1x1 kernel and a bias take AdamW's steps."""
    import keras

    from network import optimizer

    draw = np.random.default_rng(0)
    shapes = [(3, 3, 8, 6), (1, 1, 8, 6), (6,)]
    gradients = [np.float32(draw.normal(size=shape) * np.geomspace(1, 100, 6)) for shape in shapes]
    variables = [keras.Variable(np.zeros(gradient.shape, np.float32)) for gradient in gradients]
    optimizer.Muon(0.01, weight_decay=0.0).apply(gradients, variables)
    kernel, *others = [keras.ops.convert_to_numpy(variable) for variable in variables]
    sizes = np.linalg.svd(kernel.reshape(72, 6))[1] / (0.01 * 0.2 * np.sqrt(72))
    assert sizes.min() > 0.6 and sizes.max() < 1.3
    assert all(np.abs(value) == pytest.approx(0.01, rel=1e-3) for value in others)


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
    before = tflite(tmp_path)
    (tmp_path / "data/model/emotion.tflite").unlink()
    run("train.py", "--export", cwd=tmp_path)
    after = tflite(tmp_path)
    assert max(np.abs(before[name] - after[name]).max() for name in before) < 1e-5
    assert set(os.listdir(tmp_path / "data/model")) == FILES


def test_quick_run_in_16_bits_leaves_a_network_of_32(few, tmp_path):
    run("train.py", "--train", few / "train", "--val", few / "val", "--quick", "--bfloat16", "--out", "m", cwd=tmp_path)
    assert pd.read_csv(tmp_path / "m/training_log.csv")["epoch"].tolist() == [1, 2, 3, 4, 5]
    with zipfile.ZipFile(tmp_path / "m/emotion.keras") as file:
        assert b"bfloat16" not in file.read("config.json")


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


@pytest.mark.slow
def test_killed_training_resumes_without_gap_or_repeat(few, tmp_path):
    """Killed after the first epoch; the resumed run ends with all epochs, each once."""
    arguments = ["--train", few / "train", "--val", few / "val", "--out", tmp_path / "model"]
    arguments += ["--epochs", 3]
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    killed = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = tmp_path / ".model.resume/training_log.csv"
    while not log.exists() and killed.poll() is None:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert log.exists() and not (tmp_path / "model").exists()
    assert "resume" in fails(
        "train.py", *arguments, "--resume", "--seed", 7, cwd=tmp_path, says=["--seed", ".model.resume"]
    )
    said = run("train.py", *arguments, "--resume", cwd=tmp_path).stdout
    assert re.search(r"resuming after epoch [12]", said)
    assert pd.read_csv(tmp_path / "model/training_log.csv")["epoch"].tolist() == [1, 2, 3]
    assert os.listdir(tmp_path) == ["model"]
    assert "folder" in json.loads((tmp_path / "model/metrics.json").read_text())["val"]


def test_a_training_face_that_validates_too_is_refused(toy, tmp_path):
    """By pixels, and by row: a contrast copy of a validation face has other pixels."""
    arguments = ["--train", tmp_path / "train", "--out", tmp_path / "model"]
    says = ["data/split/val/", "random_shuffle.py"]
    for copy in ("split/val/anger", "contrast/anger"):
        shutil.copytree(toy / "data/split/train", tmp_path / "train")
        if copy == "contrast/anger":
            name = next(iter(images_in(toy / "data/split/val"))).split("/")[1].replace(".png", "_contrast.png")
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


@pytest.mark.parametrize("what", ["other faces", "other options", "not ours", "spoiled", "lacks a line", "cut"])
def test_a_run_that_is_not_the_same_is_not_resumed(few, tmp_path, what):
    """Before hours of training: other faces, told by their pixels, would be judged by a network that has seen them."""
    digests = []
    for name in ("train", "val"):
        paths = images_in(few / name)
        pixels = np.stack([np.asarray(Image.open(path))[..., None] for path in paths.values()])
        emotions, labels = np.unique([path.split("/")[0] for path in paths], return_inverse=True)
        targets = np.eye(len(emotions), dtype=np.float32)[labels] if name == "train" else labels
        digests.append(digest(pixels, targets))
    recipe = {"epochs": 24 if what == "other options" else 3, "batch_size": 128, "learning_rate": 0.004}
    recipe |= {"labels": "soft", "loss": "crossentropy", "bfloat16": False, "faces": digests}
    if what == "other faces":
        digests[1] = digests[0]
    if what == "lacks a line":
        del recipe["loss"]
    resume = tmp_path / ".model.resume"
    resume.mkdir()
    if what != "not ours":
        text = json.dumps({"script": "train.py", "arguments": recipe, "seed": 42})
        (resume / "stage.json").write_text("[" * 200_000 if what == "spoiled" else text)
    if what == "cut":
        (resume / "training_log.csv").write_text("epoch,accuracy,loss,val_accuracy,val_loss\n1,0.5,1.0,0.5,1.0\n")
        (resume / "training.keras").write_bytes(b"PK\x03\x04 half of a download")
    before = tree_hash(resume)
    says = {"other faces": "other faces or votes; give", "other options": "other --epochs; give"}
    says |= {"lacks a line": "can't be resumed ('loss')", "cut": "can't be resumed ("}
    arguments = ["--train", few / "train", "--val", few / "val", "--out", tmp_path / "model", "--epochs", 3]
    says = [".model.resume", says.get(what, "was not made by train.py")]
    fails("train.py", *arguments, "--resume", cwd=tmp_path, says=says)
    assert tree_hash(resume) == before and os.listdir(tmp_path) == [".model.resume"]


@pytest.mark.parametrize("option", ["--votes", "--test", "--val"])
def test_a_mistyped_path_is_not_taken_for_a_missing_one(toy, option):
    fails("train.py", option, "data/typo", cwd=toy, says=["data/typo", option])


def test_unreadable_training_face(few, tmp_path):
    shutil.copytree(few / "train", tmp_path / "train")
    (tmp_path / "train/anger/a.png").write_bytes(b"no picture")
    says = ["train/anger/a.png", "not a readable image"]
    fails("train.py", "--train", tmp_path / "train", "--val", few / "val", cwd=tmp_path, says=says)


def test_other_emotions_in_validation_are_refused(toy, tmp_path):
    shutil.copytree(toy / "data/split/val", tmp_path / "val")
    (tmp_path / "val/anger").rename(tmp_path / "val/angry")
    fails("train.py", "--val", tmp_path / "val", cwd=toy, says=[str(tmp_path / "val"), "anger", "angry"])
