"""The pictures of the report: learning curves, confusion matrices, reliability diagrams."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from network.data.targets import headline_rule
from network.evaluation.calibration import BINS

PLAIN_TEXT = {"text.parse_math": False}  # a folder's name is no formula
LIGHT_BLUE, VERMILION, GRAY = "#56b4e9", "#d55e00", "#808080"  # Okabe and Ito's


def write_plots(folder: Path, log: pd.DataFrame, metrics: dict, emotions: list[str]) -> None:
    """Write the plots into a model folder."""
    plot_curves(log, folder / "training_curves.png")
    plot_confusion(metrics, emotions, folder / "confusion_matrix.png")
    plot_reliability(metrics, folder / "reliability.png")


@matplotlib.rc_context(PLAIN_TEXT)
def plot_curves(log: pd.DataFrame, path: Path) -> None:
    """Draw accuracy and loss by epoch."""
    training, validation = "training (augmented, shares of votes)", "validation (one label a face)"
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
def plot_confusion(metrics: dict, emotions: list[str], path: Path) -> None:
    """Draw a heat map per set: of the faces with a label, the share that was given each name."""
    figure = Figure(figsize=(8 * len(metrics), 7), layout="constrained")
    row = figure.subplots(1, len(metrics), squeeze=False)[0]
    style = {"annot": True, "fmt": ".2f", "cmap": "Blues", "vmin": 0, "vmax": 1}
    for axes, (name, rules) in zip(row, metrics.items()):
        rule = headline_rule(rules)
        matrix = np.array(rules[rule]["confusion"])
        counts = matrix.sum(axis=1)
        shares = matrix / np.maximum(counts, 1)[:, None]
        labels = [f"{emotion}\nn = {n:,}" for emotion, n in zip(emotions, counts)]
        style |= {"xticklabels": emotions, "yticklabels": labels}
        seaborn.heatmap(shares, ax=axes, square=True, cbar=False, **style)
        title = f"{name}, {rule} rule: accuracy {rules[rule]['accuracy']:.3f}"
        axes.set(title=f"{title}, n = {rules[rule]['n']:,}")
        axes.set(xlabel="named by the network", ylabel="label")
        axes.tick_params(axis="x", rotation=45)
        axes.tick_params(axis="y", rotation=0)
    figure.savefig(path, dpi=110)


@matplotlib.rc_context(PLAIN_TEXT)
def plot_reliability(metrics: dict, path: Path) -> None:
    """Draw per set how often the network is right when it is so sure."""
    figure = Figure(figsize=(6 * len(metrics), 6), layout="constrained")
    row = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axes, (name, rules) in zip(row, metrics.items()):
        rule = headline_rule(rules)
        counts, sure, accuracy = np.array(rules[rule]["reliability"]).T
        axes.plot([0, 1], [0, 1], "--", color=GRAY, label="as right as sure")
        axes.bar(sure, accuracy, 0.8 / BINS, color=LIGHT_BLUE, label="faces of that confidence")
        style = {"textcoords": "offset points", "ha": "center", "fontsize": 7}
        for n, x, y in zip(counts, sure, accuracy):
            axes.annotate(f"{n:,.0f}", (x, y), (0, 2), **style)
        title = f"{name}, {rule} rule: calibration error {rules[rule]['calibration_error']:.3f}"
        axes.set(title=f"{title}, n = {rules[rule]['n']:,}")
        axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.05))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
    figure.savefig(path, dpi=110)
