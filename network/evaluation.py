"""How good a network is.

Accuracy, calibration, confusion, and how it fares on faces as bad cameras show them.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from network.calibration import calibration_error
from network.corruptions import corrupted
from network.faces import Faces
from network.targets import labels_by_rule


def predict(network, images: np.ndarray) -> np.ndarray:
    """Return the probabilities, float32 (n, emotions), of faces, uint8 (n, 48, 48, 1)."""
    return network.predict(images, batch_size=256, verbose=0)


def compute_metrics(truth: np.ndarray, probabilities: np.ndarray, emotions: list[str]) -> dict:
    """Return n, accuracy, F1 scores, calibration, the table per emotion, the confusion matrix
    (rows: truth).
    """
    predicted = np.array(emotions)[probabilities.argmax(axis=1)]
    error, bins = calibration_error(truth, probabilities.max(axis=1), predicted)
    table = classification_report(
        truth, predicted, labels=emotions, output_dict=True, zero_division=0
    )
    return {
        "n": len(truth),
        "accuracy": float(accuracy_score(truth, predicted)),
        "macro_f1": table["macro avg"]["f1-score"],
        "weighted_f1": table["weighted avg"]["f1-score"],
        "calibration_error": error,
        "reliability": bins,
        "per_class": {emotion: table[emotion] for emotion in emotions},
        "confusion": confusion_matrix(truth, predicted, labels=emotions).tolist(),
    }


def evaluate(
    network, sets: dict[str, Faces], emotions: list[str], votes: pd.DataFrame | None
) -> dict:
    """Return {set: {rule: metrics}} over the faces that have a label by the rule."""
    metrics = {}
    for name, faces in ((name, faces) for name, faces in sets.items() if name != "train"):
        probabilities = predict(network, faces.images)
        known = {
            rule: (truth, np.isin(truth, emotions))
            for rule, truth in labels_by_rule(faces, emotions, votes).items()
        }
        metrics[name] = {
            rule: compute_metrics(truth[there], probabilities[there], emotions)
            for rule, (truth, there) in known.items()
            if there.any()
        }
    return metrics


def evaluate_corruptions(
    network, faces: Faces, truth: np.ndarray, emotions: list[str]
) -> list[dict]:
    """Return the accuracy on the faces with a label as they are, "clean", and under each
    corruption.
    """
    known = np.isin(truth, emotions)
    images, truth = faces.images[known], truth[known]

    def accuracy(images: np.ndarray) -> float:
        return float((np.array(emotions)[predict(network, images).argmax(axis=1)] == truth).mean())

    clean = {"corruption": "clean", "severity": 0, "accuracy": accuracy(images)}
    return [clean] + [
        {"corruption": name, "severity": severity, "accuracy": accuracy(changed)}
        for name, severity, changed in corrupted(images)
    ]


def print_report(metrics: dict, corruptions: list[dict]) -> None:
    """Print metrics per set, rule and emotion, and the accuracy under each corruption."""
    for name, rules in metrics.items():
        for rule, result in rules.items():
            scores = f"macro F1 {result['macro_f1']:.3f}, weighted F1 {result['weighted_f1']:.3f}"
            scores += f", calibration error {result['calibration_error']:.3f}"
            print(
                f"\n{name}, {rule} rule: accuracy {result['accuracy']:.3f}, {scores}, n = {result['n']:,}"
            )
            table = pd.DataFrame(result["per_class"]).T.astype({"support": int})
            print(table.to_string(float_format="{:.3f}".format))
    clean, *rest = [result["accuracy"] for result in corruptions]
    print(
        "\nthe same faces under a camera's conditions: accuracy, and the difference from the clean faces"
    )
    for result in corruptions:
        name, accuracy = f"{result['corruption']} {result['severity']:.3g}", result["accuracy"]
        print(f"{name:20} {accuracy:.3f} {accuracy - clean:+.3f}")
    print(f"{f'mean of these {len(rest)}':20} {np.mean(rest):.3f} {np.mean(rest) - clean:+.3f}")


def report(
    network, sets: dict[str, Faces], emotions: list[str], votes: pd.DataFrame | None
) -> tuple[dict, list[dict]]:
    """Print and return how good the network is, and how good on corruptions faces of the last set,
    by the last rule.
    """
    metrics = evaluate(network, sets, emotions, votes)
    name, faces = list(sets.items())[-1]
    truth = labels_by_rule(faces, emotions, votes)[list(metrics[name])[-1]]
    corruptions = evaluate_corruptions(network, faces, truth, emotions)
    print_report(metrics, corruptions)
    return metrics, corruptions
