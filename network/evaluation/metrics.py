"""Metrics of a network: accuracy, calibration, confusion, and the effect of corruptions."""

import keras
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from network.data.faces import Faces
from network.data.targets import OWN, headline_rule
from network.evaluation.calibration import (
    adjustment_curve,
    calibrated,
    calibration_error,
    choose_adjustment,
    fit_temperature,
)
from network.evaluation.corruptions import CORRUPTIONS, corrupted
from network.model.architecture import adjust_logits


def predict(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the probabilities, float32 (n, emotions), of faces, uint8 (n, side, side, 1)."""
    return network.predict(images, batch_size=256, verbose=0)


def calibrate(
    network: keras.Model,
    faces: Faces,
    labels: dict[str, np.ndarray],
    emotions: list[str],
    shares: np.ndarray,
    strength: float | None,
) -> dict:
    """Fold a logit adjustment and a temperature into `network`, and return both for metrics.json.

    `labels` are {rule: labels of the faces}, `shares` the emotions' shares of the targets. If
    `strength` is None, `choose_adjustment` chooses it, by the headline rule. The temperature is
    fitted to the labels of all rules together, except FER-2013's own. The plurality rule adds faces
    that people disagree on, and the network should be less confident there.
    """
    probabilities = predict(network, faces.images)
    by_rule = {}
    for rule, names in labels.items():
        if rule == OWN:
            continue
        known = np.isin(names, emotions)
        numbers = np.array([emotions.index(emotion) for emotion in names[known]])
        by_rule[rule] = probabilities[known], numbers
    shares = np.where(shares > 0, shares, 1.0)  # an emotion without targets gets no bonus
    headline = by_rule[headline_rule(labels)]
    curve = adjustment_curve(*headline, shares, emotions)
    if strength is None:
        strength = choose_adjustment(curve, len(headline[1]))
    offsets = strength * np.log(shares)
    probabilities, numbers = map(np.concatenate, zip(*by_rule.values()))
    temperature = fit_temperature(calibrated(probabilities, offsets, 1.0), numbers)
    adjust_logits(network, offsets, temperature)
    print(f"logit adjustment {strength:.2f}, temperature {temperature:.2f}")
    return {
        "temperature": temperature,
        "logit_adjustment": strength,
        "logit_offsets": dict(zip(emotions, offsets.tolist())),
        "adjustment_curve": curve,
    }


def compute_metrics(truth: np.ndarray, probabilities: np.ndarray, emotions: list[str]) -> dict:
    """Return n, accuracy, recall, F1, calibration, a table per emotion, and the confusion matrix.

    `truth` are the true emotions, str (n,). They are the rows of the confusion matrix. Macro
    figures are means over the emotions in `truth`.
    """
    predicted = np.array(emotions)[probabilities.argmax(axis=1)]
    error, bins = calibration_error(truth, probabilities.max(axis=1), predicted)
    table = classification_report(
        truth, predicted, labels=emotions, output_dict=True, zero_division=0
    )
    there = [table[emotion] for emotion in emotions if table[emotion]["support"]]
    return {
        "n": len(truth),
        "accuracy": float(accuracy_score(truth, predicted)),
        "macro_recall": float(np.mean([row["recall"] for row in there])),
        "macro_f1": float(np.mean([row["f1-score"] for row in there])),
        "weighted_f1": table["weighted avg"]["f1-score"],
        "calibration_error": error,
        "reliability": bins,
        "per_class": {emotion: table[emotion] for emotion in emotions},
        "confusion": confusion_matrix(truth, predicted, labels=emotions).tolist(),
    }


def evaluate(
    network: keras.Model,
    sets: dict[str, Faces],
    labels: dict[str, dict[str, np.ndarray]],
    emotions: list[str],
) -> dict[str, dict[str, dict]]:
    """Return {set: {rule: metrics}} over the labelled faces; `labels` are {set: {rule: labels}}."""
    metrics: dict[str, dict[str, dict]] = {}
    for name, faces in sets.items():
        probabilities, metrics[name] = predict(network, faces.images), {}
        for rule, truth in labels[name].items():
            known = np.isin(truth, emotions)
            metrics[name][rule] = compute_metrics(truth[known], probabilities[known], emotions)
    return metrics


def evaluate_corruptions(
    network: keras.Model, faces: Faces, truth: np.ndarray, emotions: list[str]
) -> list[dict]:
    """Return accuracy and calibration error on the labelled faces under each corruption."""
    known = np.isin(truth, emotions)
    results = []
    for name, severity, images in corrupted(faces.images[known]):
        metrics = compute_metrics(truth[known], predict(network, images), emotions)
        results.append(under_corruption(name, severity, metrics))
    return results


def under_corruption(name: str, severity: float, metrics: dict) -> dict:
    figures = {figure: metrics[figure] for figure in ("accuracy", "calibration_error")}
    return {"corruption": name, "severity": severity, **figures}


def report(
    network: keras.Model,
    sets: dict[str, Faces],
    labels: dict[str, dict[str, np.ndarray]],
    emotions: list[str],
) -> tuple[dict[str, dict[str, dict]], list[dict]]:
    """Print and return {set: {rule: metrics}}, and the figures without and under each corruption.

    The corruptions apply to the test faces, or to the validation faces if there is no test set.
    """
    metrics = evaluate(network, sets, labels, emotions)
    print_metrics(metrics)
    name = "test" if "test" in sets else "val"
    rule = headline_rule(labels[name])
    corruptions = [under_corruption("clean", 0, metrics[name][rule])]
    corruptions += evaluate_corruptions(network, sets[name], labels[name][rule], emotions)
    print_corruptions(corruptions)
    return metrics, corruptions


def describe(metrics: dict[str, dict[str, dict]]) -> str:
    """Return a sentence on how many faces are right, and which emotions need more faces."""
    name, said = ("test", "test") if "test" in metrics else ("val", "validation")
    result = metrics[name][headline_rule(metrics[name])]
    confusion = np.array(result["confusion"])
    right, n = confusion.diagonal(), confusion.sum(axis=1)
    text = f"{right.sum():,} of your {n.sum():,} {said} faces are right"
    poor = [
        f"{emotion}: {r:,} of {of:,}"
        for emotion, r, of in zip(result["per_class"], right, n)
        if 2 * r < of
    ]
    return f"{text}; {', '.join(poor)}, collect more" if poor else text


def print_metrics(metrics: dict[str, dict[str, dict]]) -> None:
    """Print the metrics of each set and rule, with a table of the emotions."""
    for name, rules in metrics.items():
        for rule, result in rules.items():
            scores = (
                f"accuracy {result['accuracy']:.3f}, macro recall {result['macro_recall']:.3f}, "
                f"macro F1 {result['macro_f1']:.3f}, weighted F1 {result['weighted_f1']:.3f}, "
                f"calibration error {result['calibration_error']:.3f}"
            )
            print(f"\n{name}, {rule} rule: {scores}, n = {result['n']:,}")
            table = pd.DataFrame(result["per_class"]).T.astype({"support": int})
            print(table.to_string(float_format="{:.3f}".format))


def print_corruptions(corruptions: list[dict]) -> None:
    """Print the figures under each corruption, and means over CORRUPTIONS and OTHER_CAMERAS."""
    clean, *rest = corruptions
    first, last = rest[: len(CORRUPTIONS)], rest[len(CORRUPTIONS) :]
    rows = {f"{result['corruption']} {result['severity']:.3g}": [result] for result in corruptions}
    rows |= {f"mean of the first {len(first)}": first, f"mean of the last {len(last)}": last}
    print("\nthe same faces as seen by other cameras: accuracy, difference, calibration error")
    for name, results in rows.items():
        accuracy = np.mean([result["accuracy"] for result in results])
        error = np.mean([result["calibration_error"] for result in results])
        print(f"{name:20} {accuracy:.3f} {accuracy - clean['accuracy']:+.3f} {error:.3f}")
