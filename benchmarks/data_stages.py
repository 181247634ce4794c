"""Time the five data stages on the real CSVs, and the plain way to do each, in one run.

    python benchmarks/data_stages.py [--data data] [--repeats 3]

Reads   data/fer2013.csv, data/fer2013new.csv
Prints  per stage: images written, seconds, images/s, peak memory, the plain way's seconds, and the ratio of the two

The plain way is that of a first script, one image at a time:

    data_preprocessing.py   the csv module, `np.asarray(list of str)`, `Image.save` with its defaults
    the other stages        `Image.open`, the enhancement if there is one, `Image.save`

Both ways run in their own processes, in turn. Seconds are the median over the repeats and include
start-up. All output goes to a temporary folder beside the data.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import ROOT, Table, add_save

from common.command_line import Parser, positive_int, run
from common.errors import fail

STAGES = {  # script: (input, output), relative to the temporary data folder
    "data_preprocessing.py": ("", "faces"),
    "random_split.py": ("faces/pool", "split"),
    "contrast.py": ("split/train", "contrast"),
    "sharpness.py": ("split/train", "sharpness"),
    "random_shuffle.py": ("split/train contrast sharpness", "shuffled"),
}


def plain_preprocessing(data: Path, out: Path) -> None:
    import numpy as np
    from PIL import Image

    with open(data / "fer2013.csv") as fer, open(data / "fer2013new.csv") as ferplus:
        for row, (face, votes) in enumerate(zip(csv.DictReader(fer), csv.DictReader(ferplus))):
            if not votes["Image name"]:
                continue
            names = list(votes)[2:]
            emotion = max(names, key=lambda name: int(votes[name]))
            pixels = np.asarray(face["pixels"].split(" "), dtype=np.uint8).reshape(48, 48)
            (out / emotion).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(out / emotion / f"row{row:05}.png")


def plain_copies(script: str, sources: list[Path], out: Path) -> None:
    from PIL import Image, ImageEnhance

    enhance = {
        "contrast.py": lambda image: ImageEnhance.Contrast(image).enhance(1.5),
        "sharpness.py": lambda image: ImageEnhance.Sharpness(image).enhance(1.75),
    }.get(script, lambda image: image)
    for source in sources:
        for path in source.glob("*/*.png"):
            (out / path.parent.name).mkdir(parents=True, exist_ok=True)
            enhance(Image.open(path)).save(out / path.parent.name / path.name)


def measure(command: list, folder: Path) -> tuple[float, float]:
    """Run a command in a folder; return its duration in seconds and its peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], cwd=folder, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        fail(" ".join(map(str, command)), "failed", "run it alone to see why")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = Parser(__doc__)
    parser.add_input("--data", "data", "folder of the two CSVs")
    parser.add_argument("--repeats", type=positive_int, default=3, help="runs (%(default)s)")
    add_save(parser)
    parser.add_argument(
        "--plain", nargs=3, metavar=("SCRIPT", "FOLDER", "OUT"), help=argparse.SUPPRESS
    )
    args = parser.parse_args()
    if args.plain:
        script, folder, out = args.plain
        if script == "data_preprocessing.py":
            return plain_preprocessing(args.data, Path(out))
        return plain_copies(
            script, [Path(folder, source) for source in STAGES[script][0].split()], Path(out)
        )

    data = args.data.resolve()
    if not (data / "fer2013.csv").is_file():
        fail(data / "fer2013.csv", "no such file", "give the folder of the two CSVs with --data")
    columns = [
        "stage",
        "images",
        "seconds",
        "images/s",
        "peak memory, MB",
        "plain, seconds",
        "ratio",
    ]
    table = Table("data_stages", *columns)
    total = 0.0
    with tempfile.TemporaryDirectory(dir=data) as temporary:
        folder = Path(temporary)
        (folder / "data").mkdir()
        for name in ("fer2013.csv", "fer2013new.csv"):
            (folder / "data" / name).symlink_to(data / name)
        for script, (_, out) in STAGES.items():
            ours, plain, ratios = [], [], []
            for repeat in range(args.repeats):
                target = (
                    folder / f"data/{out}"
                    if repeat == args.repeats - 1
                    else folder / f"other/{out}{repeat}"
                )
                ours.append(measure([sys.executable, ROOT / script, "--out", target], folder))
                rival = [
                    sys.executable,
                    Path(__file__).resolve(),
                    "--data",
                    data,
                    "--plain",
                    script,
                    folder / "data",
                ]
                plain.append(measure([*rival, folder / f"plain/{out}{repeat}"], folder))
                ratios.append(plain[-1][0] / ours[-1][0])
            seconds, memory = statistics.median(s for s, _ in ours), max(m for _, m in ours)
            images = sum(1 for _ in (folder / "data" / out).rglob("*row*.png"))
            slow = statistics.median(s for s, _ in plain)
            speed, ratio = f"{images / seconds:,.0f}", f"{statistics.median(ratios):.2f}"
            name = f"`{script}`"
            table.add(
                name, f"{images:,}", f"{seconds:.1f}", speed, f"{memory:.0f}", f"{slow:.1f}", ratio
            )
            total += seconds
    table.save(args.save, f"all five {total:.1f} s", f"medians of {args.repeats} runs")


if __name__ == "__main__":
    run(main)
