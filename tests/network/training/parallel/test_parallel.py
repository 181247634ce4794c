"""Several devices and several processes train the same network as one device."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from support.scripts import FAST_XLA, ROOT, fails, on_few, run, slow

from dataset.stage import read_stage

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs JAX")
needs_processes = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="--distributed needs JAX 0.9, which needs Python 3.11"
)

# Two epochs on 90 faces in batches of 32, without anything random. Other faces fill up the last
# batch. A single process trains twice, on one of its devices and on all, because its start takes
# most of the time
TRAINING = """
import json, sys
from dataclasses import replace
from pathlib import Path
from unittest import mock
import keras, numpy as np
from common.errors import UserError
from network.data.faces import Faces
from network.data.input import Input
from network.training.parallel.processes import leave, process, run_distributed
from network.recipe import Augmentation, Recipe

def faces(n, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 120, (n, 48, 48, 1)) + 60 * labels[:, None, None, None]
    return Faces(images.astype(np.uint8), labels, [], {"a": n})

def train(out, **more):
    from network.training import trainer
    plain = {name: 0 for name in Augmentation.__dataclass_fields__ if "probability" in name}
    plain |= {name: 0 for name in ("max_shift", "max_rotation", "max_zoom")}
    recipe = Recipe(filters=((8,), (8, 8)), dropout=0.0, epochs=2, batch_size=32,
                    augmentation=Augmentation(**plain))
    train = faces(90, 0)
    targets = np.eye(3, dtype=np.float32)[train.labels]
    given = Input(train, targets, {"val": faces(50, 1)}, ["a", "b", "c"], {}, False, {}, {})
    log = trainer.train(given, out, replace(recipe, **more), False, {"seed": 0})
    first = process()[0] == 0
    leave()
    if first:
        weights = keras.saving.load_model(out / "best.keras").get_weights()
        return [log, [weight.ravel().tolist() for weight in weights]]

def alone(out):
    with mock.patch.object(keras.distribution, "list_devices", return_value=["cpu:0"]):
        one = train(out / "one")
    try:
        train(out / "refused", batch_size=33)
    except UserError as refused:
        return [one, train(out / "all"), str(refused)]

out = Path(sys.argv[1])
show = lambda result: print(json.dumps(result), flush=True)
run_distributed(lambda: show(train(out))) if sys.argv[2:] else show(alone(out))
"""


def environment(devices=1, process=None, port=0, by="us"):
    env = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    env["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices} {FAST_XLA}"
    if process is not None and by == "us":
        address = {"JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}"}
        env |= {**address, "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": str(process)}
    elif process is not None:
        job = {"SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
        env |= {**job, "SLURM_PROCID": str(process), "SLURM_LOCALID": str(process)}
        env["JAX_COORDINATOR_PORT"] = str(port)
    return env


def train(out, devices):
    """Return two logs with weights, from one device and from several, and a refusal."""
    command = [sys.executable, "-c", TRAINING, str(out)]
    done = subprocess.run(command, env=environment(devices), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" devices, ") == 1
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def trained_alone(tmp_path_factory):
    return train(tmp_path_factory.mktemp("alone"), 2)


def assert_same(one, other):
    (log, weights), (other_log, other_weights) = one, other
    assert log[0]["loss"] != pytest.approx(log[1]["loss"], rel=0.01), "it learns"
    for epoch, other_epoch in zip(log, other_log, strict=True):
        assert other_epoch == pytest.approx(epoch, rel=1e-3)
    for weight, other_weight in zip(weights, other_weights, strict=True):
        assert np.allclose(weight, other_weight, rtol=1e-2, atol=1e-3)


def test_two_devices_train_as_one(trained_alone):
    """This includes the last batch, and the validation faces, which do not divide evenly."""
    one, two, _ = trained_alone
    assert_same(one, two)


@pytest.mark.slow
def test_four_devices_train_as_one(tmp_path):
    one, four, _ = train(tmp_path, 4)
    assert_same(one, four)


def test_a_batch_that_the_devices_can_not_share(trained_alone):
    assert "--batch-size 33: not divisible by 2 devices; give 32" in trained_alone[2]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start_two(command, cwd, by="us", devices=1):
    """Start a command as two processes that find each other, and return them."""
    port = free_port()
    return [
        subprocess.Popen(
            command[process] if isinstance(command[0], list) else command,
            cwd=cwd,
            env=environment(devices, process, port, by),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for process in (0, 1)
    ]


def end(started, timeout=150):
    said, wrong = started.communicate(timeout=timeout)
    return started.returncode, said, wrong


@needs_processes
@pytest.mark.parametrize("by, devices", [slow("us", 2), slow("us", 1), slow("slurm", 1)])
def test_two_processes_train_as_one(trained_alone, tmp_path, by, devices):
    """Each has as many devices as the other. Only the first one writes."""
    commands = [[sys.executable, "-c", TRAINING, str(tmp_path / name), "several"] for name in "01"]
    both = start_two(commands, tmp_path, by, devices)
    (status, said, wrong), (status_1, said_1, wrong_1) = map(end, both)
    assert status == status_1 == 0, wrong + wrong_1
    # Gloo prints more in between, in pieces
    assert f"processes: 2, number of this one: 1, devices: {devices}\n" in said_1
    assert "epoch" not in said_1 and "faces" not in said_1
    n = 2 * devices
    assert f"{n} devices, each with {32 // n} faces of every batch\n" in said
    assert "epoch 1/2" in said
    assert_same(trained_alone[0], json.loads(said.splitlines()[-1]))
    assert os.listdir(tmp_path) == ["0"]


def distributed(few, out, epochs, *more):
    command = [sys.executable, str(ROOT / "train.py"), *on_few(few, out, epochs), "--distributed"]
    return [*command, *map(str, more)]


def ends_in_one_line(started, says, timeout=150):
    status, _, wrong = end(started, timeout)
    assert status == 1 and wrong.count("\n") == 1 and wrong.startswith("error: "), wrong
    assert says in wrong


@needs_processes
def test_processes_that_disagree(few, tmp_path):
    options = ["--seed", 1, "--bfloat16"], ["--seed", 2]
    commands = [distributed(few, tmp_path / "model", 1, *one) for one in options]
    for started in start_two(commands, tmp_path):
        ends_in_one_line(started, "the processes of this run differ in --seed, --bfloat16; give")
    assert not list(tmp_path.iterdir())


@needs_processes
@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        "the faces to train on, or their votes",
        "--batch-size, --learning-rate, --start-from",
        "--resume or the stopped run",
    ],
)
def test_processes_of_other_faces_start_or_stopped_run(few, toy, tmp_path, names):
    option = {
        "the": ["--train", toy / "data/split/train"],
        "--batch-size,": ["--start-from", ROOT / "pretrained"],
        "--resume": ["--resume"],
    }[names.split()[0]]
    commands = [distributed(few, tmp_path / "model", 1, *one) for one in ([], option)]
    for started in start_two(commands, tmp_path):
        ends_in_one_line(started, f"differ in {names}; give")


@needs_processes
@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("how", ["SIGKILL", "SIGSTOP", "SIGTERM", "SIGINT"])
def test_the_death_of_one_ends_the_other_and_both_resume(few, tmp_path, how, victim):
    """The other process ends by itself, with an error from JAX."""
    command = distributed(few, tmp_path / "model", 60)
    both = start_two(command, tmp_path)
    log = tmp_path / ".model.resume/training_log.csv"
    while not log.exists():
        time.sleep(0.05)
        assert both[0].poll() is None, both[0].stderr.read()
    both[victim].send_signal(getattr(signal, how))
    status, _, wrong = end(both[1 - victim], 60)
    assert status != 0 and wrong
    if how == "SIGSTOP":
        both[victim].kill()
    assert end(both[victim])[0] != 0
    assert not (tmp_path / "model").exists()
    done = len(log.read_text().splitlines()) - 1
    resumed = start_two([*command, "--resume"], tmp_path)
    while len(log.read_text().splitlines()) - 1 == done:
        time.sleep(0.05)
        assert resumed[0].poll() is None, resumed[0].stderr.read()
    for started in resumed:
        started.kill()
        end(started)


@needs_processes
@pytest.mark.slow
def test_the_processes_of_two_devices_each_write_one_model(few, tmp_path):
    """Only the first process writes TensorBoard's events."""
    watched = importlib.util.find_spec("tensorboard") is not None
    options = ["--tensorboard", tmp_path / "watched"] if watched else []
    both = start_two(distributed(few, tmp_path / "model", 1, *options), tmp_path, devices=2)
    (status, said, wrong), (status_1, _, wrong_1) = map(end, both)
    assert status == status_1 == 0, wrong + wrong_1
    assert "4 devices, each with 32 faces of every batch" in said
    assert (tmp_path / "model/emotion.keras").is_file()
    assert read_stage(tmp_path / "model")["arguments"]["distributed"] is True
    if watched:
        (events,) = (tmp_path / "watched/validation").iterdir()
        assert b"epoch_accuracy" in events.read_bytes()


@pytest.mark.parametrize(
    "option", ["--distributed", "--tensorboard=watched", "--quick", "--network=small"]
)
def test_options_of_a_training_alone(tmp_path, option):
    says = "only for training; leave it out"
    fails("train.py", "--evaluate", option, cwd=tmp_path, says=says)


def test_tensorboard_in_the_model_folder_is_refused_before_the_training(few, tmp_path):
    if not importlib.util.find_spec("tensorboard"):
        pytest.skip("needs TensorBoard")
    arguments = [*on_few(few, "model", 1), "--tensorboard", "model/watched"]
    fails("train.py", *arguments, cwd=tmp_path, says="choose another --out")
    assert not list(tmp_path.iterdir())


@needs_processes
@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"KERAS_BACKEND": "tensorflow"}, "--distributed: works only on the JAX backend"),
        ({}, "coordinator_address should be defined"),
        ({"JAX_COORDINATOR_ADDRESS": "localhost:9", "JAX_NUM_PROCESSES": "two"}, "'two'"),
        (
            {"JAX_COORDINATOR_ADDRESS": "here"},
            "JAX_COORDINATOR_ADDRESS=here: no port; give HOST:PORT",
        ),
    ],
)
def test_an_environment_that_tells_too_little(few, tmp_path, variables, says):
    arguments = [*on_few(few, "model", 1), "--distributed"]
    env = environment() | variables
    said = fails("train.py", *arguments, cwd=tmp_path, env=env, says=says)
    assert "KERAS_BACKEND=jax" in said or "JAX_COORDINATOR_ADDRESS" in said
    assert not list(tmp_path.iterdir())


@needs_processes
@pytest.mark.slow
def test_one_process_of_one_runs_as_without(few, tmp_path):
    env = environment(1, 0, free_port()) | {"JAX_NUM_PROCESSES": "1"}
    run("train.py", *on_few(few, "model", 1), "--distributed", cwd=tmp_path, env=env)
    assert (tmp_path / "model/emotion.keras").is_file()
