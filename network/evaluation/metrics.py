"""How good a network is: accuracy, calibration, confusion, and what bad cameras cost."""

import keras
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from network.data.faces import Faces
from network.data.targets import headline_rule
from network.evaluation.calibration import (
    adjustment_curve,
    calibrated,
    calibration_error,
    choose_adjustment,
    fit_temperature,
)
from network.evaluation.corruptions import CORRUPTIONS, OTHER_CAMERAS, corrupted
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
    """Fold the logit adjustment into `network`, and the temperature that suits these faces' labels.

    `labels` are those of the faces by each rule, `shares` those of the emotions among the targets.
    `strength` is None for the one that `choose_adjustment` finds by the headline rule. The temperature is for all rules
    together: the faces that people agree on, and those that plurality labels as well, of which a
    network should be less sure. Returns what was done, for metrics.json.
    """
    all_probabilities = predict(network, faces.images)

    def labelled(rule: str) -> tuple[np.ndarray, np.ndarray]:
        known = np.isin(labels[rule], emotions)
        numbers = [emotions.index(emotion) for emotion in labels[rule][known]]
        return all_probabilities[known], np.array(numbers)

    shares = np.where(shares > 0, shares, 1.0)  # an emotion that no target holds is not favoured
    by_rule = {rule: labelled(rule) for rule in labels}
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
    """Return n, accuracy, recall, F1 scores, calibration, the table per emotion, and the confusion matrix.

    `truth` are emotions, str (n,); the confusion matrix has a row for each true emotion. Macro
    figures are means over the emotions that occur in `truth`.
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
    """Return {set: {rule: metrics}}, each over the faces that have a label by the rule.

    `labels` are {set: {rule: labels}}.
    """
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
    images, truth = faces.images[known], truth[known]
    results = []
    for name, severity, changed in corrupted(images):
        probabilities = predict(network, changed)
        predicted = np.array(emotions)[probabilities.argmax(axis=1)]
        error, _ = calibration_error(truth, probabilities.max(axis=1), predicted)
        figures = {"accuracy": float((predicted == truth).mean()), "calibration_error": error}
        results.append({"corruption": name, "severity": severity, **figures})
    return results


def report(
    network: keras.Model,
    sets: dict[str, Faces],
    labels: dict[str, dict[str, np.ndarray]],
    emotions: list[str],
) -> tuple[dict[str, dict[str, dict]], list[dict]]:
    """Print and return {set: {rule: metrics}}, and the accuracy without and under each corruption.

    Corrupted are the test faces where there are any, else the validation faces.
    """
    metrics = evaluate(network, sets, labels, emotions)
    print_metrics(metrics)
    name = "test" if "test" in sets else "val"
    rule = headline_rule(labels[name])
    figures = {figure: metrics[name][rule][figure] for figure in ("accuracy", "calibration_error")}
    truth = labels[name][rule]
    corruptions = [
        {"corruption": "clean", "severity": 0, **figures},
        *evaluate_corruptions(network, sets[name], truth, emotions),
    ]
    print_corruptions(corruptions)
    return metrics, corruptions


def print_metrics(metrics: dict[str, dict[str, dict]]) -> None:
    """Print the metrics of each set by each rule, with a table of the emotions."""
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
    """Print the figures under each corruption, and the means of those of CORRUPTIONS and of the rest."""
    clean, *rest = corruptions
    print("\nthe same faces as other cameras show them: accuracy, difference, calibration error")

    def show(name: str, results: list[dict]) -> None:
        accuracy, error = (
            np.mean([result[figure] for result in results])
            for figure in ("accuracy", "calibration_error")
        )
        print(f"{name:20} {accuracy:.3f} {accuracy - clean['accuracy']:+.3f} {error:.3f}")

    for result in corruptions:
        show(f"{result['corruption']} {result['severity']:.3g}", [result])
    for where, group in (("first", CORRUPTIONS), ("last", OTHER_CAMERAS)):
        kinds = [(corrupt.__name__, severity) for corrupt, severity in group]
        of = [result for result in rest if (result["corruption"], result["severity"]) in kinds]
        show(f"mean of the {where} {len(of)}", of)
