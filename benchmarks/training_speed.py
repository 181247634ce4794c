"""Time the input, the training step and both together, on each installed backend of Keras.

    python benchmarks/training_speed.py [--bfloat16] [--steps 40] [--backends tensorflow jax]
    python benchmarks/training_speed.py --several             two devices and two processes of JAX

The faces are random, in batches of the default recipe's size. Each backend runs in its own process
and repeats three times: the input alone, the step alone on prepared batches, and both. With
--several, each of two devices or processes gets half of this machine. Those figures show the cost
of coordination, not the gain from a second machine.

Prints  per backend: faces/s of the three, and both as a share of the slower one of the first two; with --several
        faces/s of one device, two devices and two processes
"""

import argparse
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
from report import Table, add_save

from common.command_line import Parser, positive_int, run
from common.console import plural
from network.backend import installed, keras_imports
from network.data.augmentation import batches, prefetch
from network.recipe import Recipe
from network.training.parallel.processes import leave, process, run_distributed

ROUNDS, FACES, EMOTIONS = 3, 4096, 8


def again(batches: list) -> Iterator:
    """Yield batches over and over. Keras accepts a generator."""
    while True:
        yield from batches


def measure(recipe: Recipe, steps: int) -> dict[str, float]:
    """Return faces/s of "input", "step" and "both" on this process's backend."""
    with keras_imports():
        import keras

        from network.model.architecture import build_network
        from network.training.parallel.devices import data_parallel
        from network.training.trainer import build_training

    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (FACES, 48, 48, 1), np.uint8)
    targets = np.eye(EMOTIONS, dtype=np.float32)[rng.integers(0, EMOTIONS, FACES)]
    size, augmentation = recipe.batch_size, recipe.augmentation

    def make() -> Iterator:
        made = batches(faces, targets, size, augmentation, recipe.seed, 0, *process())
        return prefetch(made) if keras.backend.backend() == "torch" else made

    ready = list(itertools.islice(make(), 8))
    keras.utils.set_random_seed(recipe.seed)  # all processes start from the same weights
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.bfloat16 else "float32")
    with data_parallel(size):
        training = build_training(build_network(EMOTIONS, recipe), 1000, recipe)

        def fit(batches, steps: int) -> None:
            training.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)

        fit(again(ready), 3)  # compiles the network
        ways = {
            "input": lambda: list(itertools.islice(make(), steps)),
            "step": lambda: fit(again(ready), steps),
            "both": lambda: fit(make(), steps),
        }
        fastest = dict.fromkeys(ways, 0.0)
        for name, way in list(ways.items()) * ROUNDS:
            began = time.perf_counter()
            way()
            rate = steps * size / (time.perf_counter() - began)
            fastest[name] = max(fastest[name], rate)
    return fastest


def start(options: list[str], devices: int = 1, **variables: str) -> subprocess.Popen:
    """Start this script as a measuring process with extra environment variables."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    env = {**os.environ, "XLA_FLAGS": flags, **variables}
    command = [sys.executable, __file__, "--measure", *options]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def result(*processes: subprocess.Popen) -> dict[str, float]:
    """Wait for all processes; return the results of the first."""
    said = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(1)
    return json.loads(said[0].splitlines()[-1])


def compare_backends(names: list[str], options: list[str], save: bool) -> None:
    bits = 16 if "--bfloat16" in options else 32
    columns = ["input", "step", "both", "both, of the slower"]
    table = Table(f"training_speed_{bits}", f"faces/s, {bits} bits", *columns)
    for name in names:
        rates = result(start(options, KERAS_BACKEND=name))
        share = rates["both"] / min(rates["input"], rates["step"])
        table.add(name, *(f"{rate:,.0f}" for rate in rates.values()), f"{share:.2f}")
    table.save(save, f"the best of {ROUNDS} rounds")


def compare_devices(options: list[str], save: bool) -> None:
    table = Table("training_devices", "faces/s, JAX", "step", "both")
    for devices in (1, 2):
        rates = result(start(options, devices, KERAS_BACKEND="jax"))
        table.add(plural(devices, "device"), f"{rates['step']:,.0f}", f"{rates['both']:,.0f}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    shared = {"KERAS_BACKEND": "jax", "JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": "2"}
    options = [*options, "--several"]
    both = [start(options, 1, JAX_PROCESS_ID=str(n), **shared) for n in (0, 1)]
    rates = result(*both)
    table.add("2 processes", f"{rates['step']:,.0f}", f"{rates['both']:,.0f}")
    table.save(save, f"the best of {ROUNDS} rounds")


def main() -> None:
    parser = Parser(__doc__)
    there = installed()
    parser.add_argument("--backends", nargs="+", choices=there, default=there)
    parser.add_argument("--steps", type=positive_int, default=40, help="per round (%(default)s)")
    parser.add_argument("--bfloat16", action="store_true", help="compute in 16 bits")
    parser.add_argument("--several", action="store_true", help="compare devices and processes")
    # `start` passes this to each measuring process
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    add_save(parser)
    args = parser.parse_args()
    options = ["--steps", str(args.steps), *(["--bfloat16"] if args.bfloat16 else [])]

    def work() -> None:
        rates = measure(Recipe(bfloat16=args.bfloat16), args.steps)
        leave()
        print(json.dumps(rates), flush=True)

    if args.measure:
        run_distributed(work) if args.several else work()
    elif args.several:
        compare_devices(options, args.save)
    else:
        compare_backends(args.backends, options, args.save)


if __name__ == "__main__":
    run(main)
