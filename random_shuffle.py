"""Merge the training faces and their copies into one training set, shuffled within each emotion.

Reads   data/split/train/<emotion>/row12345.png
        data/contrast/<emotion>/row12345_contrast.png
        data/sharpness/<emotion>/row12345_sharpness.png
Writes  data/shuffled/<emotion>/00001_row12345_contrast.png, 00002_row00010.png, ...
        data/shuffled/class_counts.png

You can give any number of sources: leave the copies out, or add a folder of your own. `--balance N`
repeats the faces of rare emotions up to N times, but never beyond the number of the commonest
emotion. The bar chart class_counts.png shows the images per emotion in the first source and in the
result. Takes 9 to 14 seconds on the real data.

Examples:
    python random_shuffle.py
    python random_shuffle.py --sources data/split/train --balance 5
"""

import random
from pathlib import Path

from common.libraries import required

with required("requirements.txt"):
    from common.command_line import Parser, positive_int, run, seed
    from common.console import late_imports
    from dataset.images import copy_images, count, list_images, summary
    from dataset.stage import atomic_folder, write_stage

SCRIPT = Path(__file__).name
MADE_BY = {"contrast": "contrast.py", "sharpness": "sharpness.py"}  # others: random_split.py


def merge(sources: list[dict[str, list[Path]]]) -> dict[str, list[Path]]:
    """Return {emotion: paths} of all sources, in the order of the sources; emotions are sorted."""
    emotions = sorted({emotion for images in sources for emotion in images})
    merged: dict[str, list[Path]] = {emotion: [] for emotion in emotions}
    for images in sources:
        for emotion, paths in images.items():
            merged[emotion] += paths
    return merged


def balance(images: dict[str, list[Path]], most: int) -> dict[str, list[Path]]:
    """Repeat each emotion's images up to `most` times, but not beyond the commonest emotion."""
    largest = max(count(images).values())
    return {emotion: paths * min(most, largest // len(paths)) for emotion, paths in images.items()}


def plot_counts(before: dict[str, int], after: dict[str, int], path: Path) -> None:
    """Write a bar chart of the images per emotion before and after the shuffle."""
    with late_imports():
        import matplotlib
        from matplotlib.figure import Figure

    matplotlib.rcdefaults()  # ignores the user's matplotlibrc: the same input gives the same bytes
    matplotlib.rcParams["text.parse_math"] = False  # a folder name is not a formula
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    places = range(len(after))
    both = ((-0.2, before, "training faces", "#56b4e9"), (0.2, after, "shuffled set", "#0072b2"))
    for shift, counts, label, color in both:
        heights = [counts.get(emotion, 0) for emotion in after]
        bars = axes.bar([place + shift for place in places], heights, 0.4, label=label, color=color)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=8, padding=2)
    axes.set_xticks(places, after)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set(title="Images per emotion", ylabel="images")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120, metadata={"Software": None})  # a version would change the bytes


def main() -> None:
    parser = Parser(__doc__)
    default = "data/split/train data/contrast data/sharpness"
    parser.add_input("--sources", default, "folders of emotion folders, the training faces first")
    parser.add_path("--out", "data/shuffled", "output folder")
    parser.add_argument("--seed", type=seed, default=42, help="seed for the shuffle (%(default)s)")
    repeat = "repeat rare emotions up to N times (1: off)"
    parser.add_argument("--balance", type=positive_int, default=1, metavar="N", help=repeat)
    args = parser.parse_args()

    made_by = [MADE_BY.get(source.name, "random_split.py") for source in args.sources]
    least = [2, *[1] * (len(made_by) - 1)]  # later sources may have a single emotion
    sources = [list_images(*source) for source in zip(args.sources, made_by, least)]
    images = merge(sources)
    with atomic_folder(args.out, SCRIPT, args.sources) as out:
        shuffled = balance(images, args.balance)
        rng = random.Random(args.seed)
        for paths in shuffled.values():
            rng.shuffle(paths)
        counts = copy_images(shuffled, out, rename=lambda number, path: f"{number:05}_{path.name}")
        plot_counts(count(sources[0]), counts, out / "class_counts.png")
        write_stage(out, SCRIPT, args.out, vars(args), count(images), counts)
    print(f"{args.out}: {summary(counts)}")


if __name__ == "__main__":
    run(main)
