"""Every backend of Keras trains the same network. Each installed one is tested, in both precisions."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from support.files import rows_of
from support.scripts import FAST_XLA, ROOT, fails, on_few, run

from network.recipe import Recipe

INSTALLED = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]
PRECISIONS = ["float32", "mixed_bfloat16"]


def run_on(backend, code):
    """Run a program with Keras on a backend, and return its output as JSON."""
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    env["XLA_FLAGS"] = FAST_XLA
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# Each backend has one process, because its start takes most of the time
PROGRAM = """
import json
import keras, numpy as np
from network.model import architecture
from network.training import trainer
from network.recipe import Recipe

def light():
    faces = keras.Input((48, 48, 1))
    lift = keras.Model(faces, architecture.brighten_dim_faces(faces, Recipe()))
    grays = np.full((3, 48, 48, 1), [[[[200]]], [[[120]]], [[[30]]]], np.float32)
    lifted = keras.ops.convert_to_numpy(keras.ops.cast(lift(grays), "float32"))
    return lifted.mean(axis=(1, 2, 3)).tolist()

def losses():
    recipe = Recipe(filters=((8,), (8, 8)), dropout=0.0)
    network = architecture.build_network(3, recipe)
    rng = np.random.default_rng(0)
    network.set_weights([
        np.abs(weights) if weights.ndim == 1 and weights.any() else
        rng.normal(0, (2 / max(1, np.prod(weights.shape[:-1]))) ** 0.5, weights.shape)
        for weights in network.get_weights()
    ])
    model = trainer.build_training(network, 20, recipe)
    losses = []
    for _ in range(4):
        faces = rng.integers(0, 256, (32, 48, 48, 1), np.uint8)
        targets = np.eye(3, dtype=np.float32)[rng.integers(0, 3, 32)]
        losses.append(float(model.train_on_batch(faces, targets, return_dict=True)["loss"]))
    return losses

results = {}
for precision in ("float32", "mixed_bfloat16"):
    keras.config.set_dtype_policy(precision)
    results[precision] = [light(), losses()]
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def results():
    """Return the output of PROGRAM on each backend."""
    return {backend: run_on(backend, PROGRAM) for backend in INSTALLED}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("backend", INSTALLED)
def test_the_network_sees_the_same_light(results, backend, precision):
    """A sum of a face's grays in 16 bits stops growing in JAX. Then every face would count as dim."""
    bright, usual, dim = results[backend][precision][0]
    assert bright == 200 and usual == 120
    assert dim == pytest.approx(Recipe().min_mean_gray, rel=0.05)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_first_steps_have_the_same_losses(results, precision):
    """They start from the same weights, without dropout, with our own optimizer."""
    losses = {backend: results[backend][precision][1] for backend in INSTALLED}
    first = losses[INSTALLED[0]]
    assert np.ptp(first) > 0.01 and np.isfinite(first).all()
    for other in losses.values():
        assert other == pytest.approx(first, rel=1e-3 if precision == "float32" else 0.05)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("theano", "KERAS_BACKEND=theano: not a supported backend; set tensorflow or jax or torch"),
        ("torch", "KERAS_BACKEND=torch: not installed; `pip install torch`, or set KERAS_BACKEND="),
    ],
)
def test_a_backend_that_is_none_or_not_there(few, tmp_path, asked, says):
    if asked in INSTALLED:
        pytest.skip(f"{asked} is installed")
    env = {**os.environ, "KERAS_BACKEND": asked}
    fails("train.py", *on_few(few, "model", 1), cwd=tmp_path, env=env, says=says)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif("jax" not in INSTALLED, reason="needs JAX")
def test_without_tensorflow_the_backend_that_is_there_is_named(few, tmp_path):
    code = f"""
import runpy, sys
sys.modules["tensorflow"] = None  # as if it were not installed
sys.path.insert(0, {str(ROOT)!r})
runpy.run_path({str(ROOT / "train.py")!r}, run_name="__main__")
"""
    env = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    command = [sys.executable, "-c", code, *on_few(few, "model", 1)]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(
        "error: KERAS_BACKEND: TensorFlow, Keras's default, is not installed; "
    )
    assert re.search(r"or set KERAS_BACKEND=jax.*, which (is|are) installed$", done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_dry_run_kill_resume_and_export(few, tmp_path, backend):
    env = {**os.environ, "KERAS_BACKEND": backend}
    arguments = [*on_few(few, "model", 3), "--batch-size", "32"]
    run("train.py", *arguments, "--dry-run", "--out", "dry", cwd=tmp_path, env=env)
    assert (tmp_path / "dry/emotion.keras").is_file()
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    killed = subprocess.Popen(command, cwd=tmp_path, env=env, **silent)
    log = tmp_path / ".model.resume/training_log.csv"
    while not log.exists() and killed.poll() is None:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    said = run("train.py", *arguments, "--resume", cwd=tmp_path, env=env).stdout
    assert re.search(r"resuming after epoch [12]", said)
    epochs = [row["epoch"] for row in rows_of(tmp_path / "model/training_log.csv")]
    assert epochs == ["1", "2", "3"]
    assert "emotion.onnx: probabilities differ from Keras by at most " in said
    made = (tmp_path / "model/emotion.onnx").read_bytes()
    run("train.py", "--export", "--out", "model", cwd=tmp_path, env=env)
    assert (tmp_path / "model/emotion.onnx").read_bytes() == made


NO_TENSORBOARD = not all(map(importlib.util.find_spec, ("tensorflow", "tensorboard")))


@pytest.mark.skipif(not NO_TENSORBOARD, reason="TensorBoard is installed")
def test_tensorboard_that_is_not_there_is_refused(few, tmp_path):
    says = "--tensorboard: needs a missing package; leave it out, or `pip install tensorb"
    fails("train.py", *on_few(few, "m", 1), "--tensorboard", "watched", cwd=tmp_path, says=says)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(NO_TENSORBOARD, reason="needs TensorBoard")
@pytest.mark.slow
@pytest.mark.parametrize("backend", [None, *INSTALLED[1:]])
def test_quick_run_in_16_bits_that_tensorboard_shows(few, tmp_path, backend):
    """The saved network has 32 bits."""
    options = {"env": {**os.environ, "KERAS_BACKEND": backend}} if backend else {}
    asked = ["--quick", "--bfloat16", "--width", 0.1, "--tensorboard", "watched"]
    run("train.py", *on_few(few, "m"), *asked, cwd=tmp_path, **options)
    epochs = [row["epoch"] for row in rows_of(tmp_path / "m/training_log.csv")]
    assert epochs == ["1", "2", "3", "4", "5"]
    for part in ("train", "validation"):
        (events,) = (tmp_path / "watched" / part).iterdir()
        assert events.read_bytes().count(b"epoch_accuracy") == 5
    with zipfile.ZipFile(tmp_path / "m/emotion.keras") as file:
        assert b"bfloat16" not in file.read("config.json")
