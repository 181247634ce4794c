"""What train.py --start-from wins where there are few faces.

    python benchmarks/fine_tuning.py --start-from data/model [--faces 50] [--seeds 1 2 3]

Makes small data sets of validation faces that the network was not trained on, in three groups of
emotions in the place of eight; four fifths of each set to train on, one fifth to choose the epoch
by, all other validation faces to test on. Prints a row for each way of training, means over the
seeds. Takes about twenty minutes, on one core too.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from report import ROOT, Table, add_save

from common.command_line import Parser, positive_int, run, seed
from dataset.images import list_images
from network.recipe import FINE_TUNING

GROUPS = {
    "bad": ["anger", "contempt", "disgust", "fear", "sadness"],
    "good": ["happiness", "surprise"],
    "neither": ["neutral"],
}
SCRATCH_EPOCHS = 200
SCRATCH = ["--epochs", str(SCRATCH_EPOCHS), "--batch-size", "32"]


def make_sets(images: dict[str, list[Path]], faces: int, number: int, folder: Path) -> None:
    """Copy faces into `folder`/train, val and test, drawn by a seed, its emotions those of GROUPS."""
    rng = np.random.default_rng(number)
    for group, emotions in GROUPS.items():
        paths = [path for emotion in emotions for path in images[emotion]]
        paths = [paths[index] for index in rng.permutation(len(paths))]
        train = faces * 4 // 5
        parts = {"train": paths[:train], "val": paths[train:faces], "test": paths[faces:]}
        for part, some in parts.items():
            (folder / part / group).mkdir(parents=True)
            for path in some:
                shutil.copy(path, folder / part / group)


def train(folder: Path, number: int, *options: str) -> tuple[float, float]:
    """Run train.py on the sets in a folder; return accuracy and macro recall on its test faces."""
    command = [sys.executable, str(ROOT / "train.py"), "--seed", str(number), *options]
    for part in ("train", "val", "test"):
        command += [f"--{part}", part]
    subprocess.run([*command, "--out", "model"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    metrics = json.loads((folder / "model/metrics.json").read_text())["test"]["folder"]
    return metrics["accuracy"], metrics["macro_recall"]


def main() -> None:
    parser = Parser(__doc__)
    parser.add_input("--val", "data/split/val", "validation faces")
    parser.add_path("--start-from", "data/model", "a network that was not trained on them")
    faces = "faces of each of the three groups (%(default)s)"
    parser.add_argument("--faces", type=positive_int, default=50, help=faces)
    seeds = "of sets and trainings (1 2 3)"
    parser.add_argument("--seeds", type=seed, nargs="+", default=[1, 2, 3], help=seeds)
    add_save(parser)
    args = parser.parse_args()
    images = list_images(args.val, "random_split.py")
    rows = {
        f"from scratch, {SCRATCH_EPOCHS} epochs": SCRATCH,
        f"`--start-from`, {FINE_TUNING.epochs} epochs": [
            "--start-from",
            str(args.start_from.resolve()),
        ],
    }
    table = Table("fine_tuning", "", "accuracy", "of each draw", "macro recall")
    for name, options in rows.items():
        results = []
        for number in args.seeds:
            with tempfile.TemporaryDirectory() as folder:
                make_sets(images, args.faces, number, Path(folder))
                results.append(train(Path(folder), number, *options))
        accuracy, recall = np.mean(results, axis=0)
        each = ", ".join(f"{result[0]:.3f}" for result in results)
        table.add(name, f"{accuracy:.3f}", each, f"{recall:.3f}")
    drawn = ", ".join(map(str, args.seeds))
    table.save(args.save, f"{args.faces} faces of each group", f"seeds {drawn}")


if __name__ == "__main__":
    run(main)
