"""The plots of the report: learning curves, confusion matrices, reliability diagrams."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from network.data.targets import headline_rule
from network.evaluation.calibration import BINS

PLAIN_TEXT = {"text.parse_math": False}  # a folder name is not a formula
LIGHT_BLUE, VERMILION, GRAY = "#56b4e9", "#d55e00", "#808080"  # from Okabe and Ito


def write_plots(folder: Path, log: list[dict], metrics: dict) -> None:
    """Write the plots into a model folder, and the log of epochs, if any, as a table."""
    if log:
        table = pd.DataFrame(log)
        table.to_csv(folder / "training_log.csv", index=False, lineterminator="\n")
        plot_curves(table, folder / "training_curves.png")
    plot_sets(folder / "confusion_matrix.png", metrics, (8, 7), "accuracy", draw_confusion)
    plot_sets(folder / "reliability.png", metrics, (6, 6), "calibration_error", draw_reliability)


@matplotlib.rc_context(PLAIN_TEXT)
def plot_curves(log: pd.DataFrame, path: Path) -> None:
    """Draw accuracy and loss by epoch."""
    training, validation = "training (augmented, soft labels)", "validation (one label per face)"
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, name in zip(both, ("accuracy", "loss")):
        axes.plot(log["epoch"], log[name], "o-", color=LIGHT_BLUE, label=training)
        axes.plot(log["epoch"], log[f"val_{name}"], "o-", color=VERMILION, label=validation)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    both[0].legend(frameon=False)
    figure.savefig(path, dpi=110)


@matplotlib.rc_context(PLAIN_TEXT)
def plot_sets(path: Path, metrics: dict, size: tuple[int, int], score: str, draw: Callable) -> None:
    """Draw one plot per set, `size` in inches, with its metrics by the headline rule.

    `draw` fills a plot.
    """
    figure = Figure(figsize=(size[0] * len(metrics), size[1]), layout="constrained")
    row = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axes, (name, rules) in zip(row, metrics.items()):
        rule = headline_rule(rules)
        result = rules[rule]
        draw(axes, result)
        title = f"{name}, {rule} rule: {score.replace('_', ' ')} {result[score]:.3f}"
        axes.set(title=f"{title}, n = {result['n']:,}")
    figure.savefig(path, dpi=110)


def draw_confusion(axes: Axes, result: dict) -> None:
    """Draw the confusion matrix. Its cells are shares of each emotion's faces."""
    matrix, emotions = np.array(result["confusion"]), list(result["per_class"])
    counts = matrix.sum(axis=1)
    shares = matrix / np.maximum(counts, 1)[:, None]
    labels = [f"{emotion}\nn = {n:,}" for emotion, n in zip(emotions, counts)]
    style = {"annot": True, "fmt": ".2f", "cmap": "Blues", "vmin": 0, "vmax": 1}
    style |= {"xticklabels": emotions, "yticklabels": labels, "square": True, "cbar": False}
    seaborn.heatmap(shares, ax=axes, **style)
    axes.set(xlabel="predicted", ylabel="label")
    axes.tick_params(axis="x", rotation=45)
    axes.tick_params(axis="y", rotation=0)


def draw_reliability(axes: Axes, result: dict) -> None:
    """Draw the accuracy for each bin of confidence."""
    counts, sure, accuracy = np.array(result["reliability"]).T
    axes.plot([0, 1], [0, 1], "--", color=GRAY, label="perfect calibration")
    axes.bar(
        sure, accuracy, 0.8 / BINS, color=LIGHT_BLUE, label="the network, with numbers of faces"
    )
    style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 7}
    for n, x, y in zip(counts, sure, accuracy):
        axes.annotate(f"{n:,.0f}", (x, y), (0, 2), **style)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.05))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
