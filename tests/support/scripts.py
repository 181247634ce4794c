"""Run the scripts as a user runs them."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.in_process import run_in_process

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "samples/astronaut.jpg"
OUTPUTS = {  # of the data stages, below data/
    "data_preprocessing.py": "faces",
    "random_split.py": "split",
    "contrast.py": "contrast",
    "sharpness.py": "sharpness",
    "random_shuffle.py": "shuffled",
}
DATA_STAGES = list(OUTPUTS)
# JAX compiles in half the time with these flags
FAST_XLA = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")


def slow(*case):
    """Return a case of a parametrized test that the normal run leaves out."""
    return pytest.param(*case, marks=pytest.mark.slow)


def run(script, *arguments, cwd, check=True, process=False, wrap=(), **options):
    """Run a script in the folder `cwd`. Return a finished process with its output as text.

    The script runs in the tests' own process. It gets its own process with `process`, with a
    command `wrap` before it, or with `options` of subprocess.run.
    """
    path, given = ROOT / script, [str(argument) for argument in arguments]
    if process or wrap or options:
        command = [*wrap, sys.executable, str(path), *given]
        options = {"capture_output": True, "text": True, "timeout": 280, **options}
        done = subprocess.run(command, cwd=cwd, **options)
    else:
        done = run_in_process(path, given, cwd)
    assert not check or done.returncode == 0, f"{script}: {done.stderr}"
    return done


def fails(script, *arguments, cwd, says, **options):
    """Assert that a script stops with status 1 and one line on stderr.

    The line holds every text of `says`.
    """
    done = run(script, *arguments, cwd=cwd, check=False, **options)
    assert done.returncode == 1, f"status {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: "), done.stderr
    for text in [says] if isinstance(says, str) else says:
        assert text in done.stderr, done.stderr
    return done.stderr


def peak_memory(script, *arguments, cwd):
    """Run a script and return its status, its stderr and its peak memory in bytes."""
    # A small process starts the script. Otherwise the system would also count the memory that this
    # process held before the exec
    code = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
sys.stderr.buffer.write(done.stderr)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    command = [sys.executable, "-c", code, sys.executable, str(ROOT / script), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280)
    status, most = map(int, done.stdout.split())
    return status, done.stderr, most * (1 if sys.platform == "darwin" else 1024)


def start(*arguments, cwd):
    command = [sys.executable, str(ROOT / "realtime.py"), *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_rows(path, count):
    for _ in range(600):
        if path.is_file() and path.read_text().count("\n") > count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path}: no {count} rows within 30 s")


def make_toy(folder, rows):
    """Write the toy CSV with `rows` rows into a folder, and run the five data stages there."""
    run("samples/make_toy_csv.py", "--rows", rows, cwd=folder)
    for script in DATA_STAGES:
        run(script, cwd=folder)
    return folder


def on_few(few, out, epochs=None):
    """Return the arguments of train.py for a training on `few` into a model folder `out`."""
    arguments = ["--train", few / "train", "--val", few / "val", "--out", out]
    arguments += [] if epochs is None else ["--epochs", epochs]
    return [str(argument) for argument in arguments]
