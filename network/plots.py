"""The pictures of the report: learning curves, confusion matrices, reliability diagrams."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from network.calibration import BINS

PLAIN_TEXT = {"text.parse_math": False}  # a folder's name is no formula


@matplotlib.rc_context(PLAIN_TEXT)
def plot_curves(log: pd.DataFrame, path: Path) -> None:
    """Draw accuracy and loss by epoch."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, name in zip(both, ("accuracy", "loss")):
        axes.plot(
            log["epoch"],
            log[name],
            "o-",
            color="#56b4e9",
            label="training (augmented, shares of votes)",
        )
        axes.plot(
            log["epoch"],
            log[f"val_{name}"],
            "o-",
            color="#d55e00",
            label="validation (one label a face)",
        )
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    both[0].legend(frameon=False)
    figure.savefig(path, dpi=110)


@matplotlib.rc_context(PLAIN_TEXT)
def plot_confusion(metrics: dict, emotions: list[str], path: Path) -> None:
    """Draw a heat map per set: of the faces with a label, the share that was given each name."""
    figure = Figure(figsize=(8 * len(metrics), 7), layout="constrained")
    row = figure.subplots(1, len(metrics), squeeze=False)
    for axes, (name, rules) in zip(row[0], metrics.items()):
        # Majority, the rule behind published figures, where there are votes
        rule, result = list(rules.items())[-1]
        matrix = np.array(result["confusion"])
        counts = matrix.sum(axis=1)
        shares = matrix / np.maximum(counts, 1)[:, None]
        labels = [f"{emotion}\nn = {n:,}" for emotion, n in zip(emotions, counts)]
        style = {
            "annot": True,
            "fmt": ".2f",
            "cmap": "Blues",
            "vmin": 0,
            "vmax": 1,
            "square": True,
            "cbar": False,
        }
        seaborn.heatmap(shares, ax=axes, xticklabels=emotions, yticklabels=labels, **style)
        title = f"{name}, {rule} rule: accuracy {result['accuracy']:.3f}, n = {result['n']:,}"
        axes.set(title=title, xlabel="named by the network", ylabel="label")
        axes.tick_params(axis="x", rotation=45)
        axes.tick_params(axis="y", rotation=0)
    figure.savefig(path, dpi=110)


@matplotlib.rc_context(PLAIN_TEXT)
def plot_reliability(metrics: dict, path: Path) -> None:
    """Draw per set how often the network is right when it is so sure."""
    figure = Figure(figsize=(6 * len(metrics), 6), layout="constrained")
    for axes, (name, rules) in zip(
        figure.subplots(1, len(metrics), squeeze=False)[0], metrics.items()
    ):
        rule, result = list(rules.items())[-1]
        counts, sure, accuracy = np.array(result["reliability"]).T
        axes.plot([0, 1], [0, 1], "--", color="#808080", label="as right as sure")
        axes.bar(sure, accuracy, 0.8 / BINS, color="#56b4e9", label="faces of that confidence")
        for n, x, y in zip(counts, sure, accuracy):
            axes.annotate(
                f"{n:,.0f}", (x, y), (0, 2), textcoords="offset points", ha="center", fontsize=7
            )
        title = f"{name}, {rule} rule: calibration error {result['calibration_error']:.3f}, n = {result['n']:,}"
        axes.set(title=title, xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.05))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
    figure.savefig(path, dpi=110)
