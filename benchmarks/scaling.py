"""Measure the time and memory of train.py with 1, 3 and 10 times the faces.

    python benchmarks/scaling.py [--train data/split/train] [--val data/split/val] [--times 1 3 10]

Multiplies the training faces with links in a temporary folder beside them, and trains for one epoch
on each set.

Prints  faces, seconds to read all of them, seconds from there to the end of the first epoch, faces/s of both, and
        peak memory
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import ROOT, Table, add_save

from common.command_line import Parser, positive_int, run
from dataset.images import list_images


def repeat(images: dict[str, list[Path]], times: int, folder: Path) -> int:
    """Link each image `times` times into `folder`; return the number of links."""
    for emotion, paths in images.items():
        (folder / emotion).mkdir(parents=True)
        for path in paths:
            for number in range(times):
                os.link(path, folder / emotion / f"{number:05}_{path.name}")
    return times * sum(map(len, images.values()))


def train(folder: Path, options: list[str]) -> tuple[float, float, float]:
    """Return the seconds of reading, the seconds of the first epoch, and peak memory in bytes."""
    # RUSAGE_CHILDREN reports the largest child. A helper process has train.py as its only child
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    train = [sys.executable, ROOT / "train.py", "--train", folder, "--epochs", "1", *options]
    command = [sys.executable, "-c", code, *map(str, train)]
    began, times, last = time.perf_counter(), {}, "0"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line
            for event in (" emotions\n", "epoch 1/1: "):
                if event in line:
                    times[event] = time.perf_counter()
    if process.returncode:
        raise SystemExit(1)
    read, ended = times.values()
    unit = 1 if sys.platform == "darwin" else 1024
    return read - began, ended - read, int(last) * unit


def main() -> None:
    parser = Parser(__doc__)
    parser.add_input("--train", "data/split/train", "faces to train on")
    parser.add_input("--val", "data/split/val", "validation faces")
    parser.add_argument("--times", type=positive_int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--bfloat16", action="store_true", help="compute in 16 bits")
    add_save(parser)
    args = parser.parse_args()
    images = list_images(args.train, "random_split.py")
    columns = ["faces", "read in", "faces/s", "first epoch", "faces/s", "most memory"]
    table = Table("scaling", *columns)
    for times in args.times:
        with tempfile.TemporaryDirectory(dir=args.train.parent, prefix=".scaling.") as folder:
            faces = repeat(images, times, Path(folder) / "train")
            options = ["--val", args.val, "--out", Path(folder) / "model", "--no-test"]
            options += ["--bfloat16"] if args.bfloat16 else []
            reading, epoch, memory = train(Path(folder) / "train", options)
        read, trained = f"{faces / reading:,.0f}", f"{faces / epoch:,.0f}"
        held = f"{memory / 2**30:.2f} GB"
        table.add(f"{faces:,}", f"{reading:.0f} s", read, f"{epoch:.0f} s", trained, held)
    table.save(args.save, f"{16 if args.bfloat16 else 32} bits")


if __name__ == "__main__":
    run(main)
