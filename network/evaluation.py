"""How good a network is: accuracy, calibration, confusion, and how it fares on faces as bad cameras show them."""

import cv2
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from network.calibration import reliability
from network.faces import Faces
from network.targets import labels_by_rule


def predict(network, images: np.ndarray) -> np.ndarray:
    """Return the probabilities, float32 (n, emotions), of faces, uint8 (n, 48, 48, 1)."""
    return network.predict(images, batch_size=256, verbose=0)


def calibrate(network, faces: Faces, truth: np.ndarray, emotions: list[str]) -> float:
    """Divide what goes into the softmax by the temperature that makes these labels likeliest, and return it.

    Guo et al., arXiv:1706.04599. The answers stay the same. A network that learned the shares of the votes is surer
    of them than it seems: it says 0.6 where six of ten people agree, and is right more often than that.
    """
    known = np.isin(truth, emotions)
    scores = np.log(np.maximum(predict(network, faces.images[known]), 1e-9))
    labels = [emotions.index(emotion) for emotion in truth[known]]
    losses = {}
    for temperature in np.geomspace(0.3, 3, 200):
        powers = scores / temperature
        powers -= np.logaddexp.reduce(powers, axis=1, keepdims=True)
        losses[float(temperature)] = -powers[np.arange(len(powers)), labels].mean()
    temperature = min(losses, key=losses.get)
    head = network.get_layer("scores").layers[-1]
    head.set_weights([weights / temperature for weights in head.get_weights()])
    return temperature


def compute_metrics(truth: np.ndarray, probabilities: np.ndarray, emotions: list[str]) -> dict:
    """Return n, accuracy, F1 scores, calibration, the table per emotion, the confusion matrix (rows: truth)."""
    predicted = np.array(emotions)[probabilities.argmax(axis=1)]
    error, bins = reliability(truth, probabilities.max(axis=1), predicted)
    table = classification_report(truth, predicted, labels=emotions, output_dict=True, zero_division=0)
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


def evaluate(network, sets: dict[str, Faces], emotions: list[str], votes: pd.DataFrame | None) -> dict:
    """Return {set: {rule: metrics}} over the faces that have a label by the rule."""
    metrics = {}
    for name, faces in ((name, faces) for name, faces in sets.items() if name != "train"):
        probabilities = predict(network, faces.images)
        known = {
            rule: (truth, np.isin(truth, emotions)) for rule, truth in labels_by_rule(faces, emotions, votes).items()
        }
        metrics[name] = {
            rule: compute_metrics(truth[there], probabilities[there], emotions)
            for rule, (truth, there) in known.items()
            if there.any()
        }
    return metrics


def evaluate_corruptions(network, faces: Faces, truth: np.ndarray, emotions: list[str]) -> dict[str, float]:
    """Return {what was done to the faces: accuracy}, for what a camera may do; the same faces at every call."""
    draw, size = np.random.default_rng(0), faces.images.shape[1]

    def move(image: np.ndarray, angle: float = 0.0, x: float = 0.0, y: float = 0.0) -> np.ndarray:
        turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, 1)
        turn[:, 2] += x, y
        return cv2.warpAffine(image, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)

    def compress(image: np.ndarray) -> np.ndarray:
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
        return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)

    def cover(image: np.ndarray) -> np.ndarray:
        (x, y), side = draw.integers(0, size - size // 3, 2).tolist(), size // 3
        return cv2.rectangle(image.copy(), (x, y), (x + side - 1, y + side - 1), 127, cv2.FILLED)

    changes = {
        "nothing": lambda image: image,
        "30 % of the light": lambda image: 0.3 * image,
        "blur of 1.5 pixels": lambda image: cv2.GaussianBlur(image, (0, 0), 1.5),
        "noise of 15 grays": lambda image: image + draw.normal(0, 15, image.shape),
        "tilt of 15 degrees": lambda image: move(image, angle=draw.choice([-15, 15])),
        "shift of 10 %": lambda image: move(image, 0, *(draw.choice([-0.1, 0.1], 2) * size)),
        "JPEG of quality 20": compress,
        "a ninth covered": cover,
    }
    known = np.isin(truth, emotions)
    accuracies = {}
    for name, change in changes.items():
        images = np.stack([np.clip(change(image), 0, 255).astype(np.uint8) for image in faces.images[known, :, :, 0]])
        answers = np.array(emotions)[predict(network, images[..., None]).argmax(axis=1)]
        accuracies[name] = float((answers == truth[known]).mean())
    return accuracies


def print_report(metrics: dict, disturbed: dict[str, float]) -> None:
    for name, rules in metrics.items():
        for rule, result in rules.items():
            scores = f"macro F1 {result['macro_f1']:.3f}, weighted F1 {result['weighted_f1']:.3f}"
            scores += f", calibration error {result['calibration_error']:.3f}"
            print(f"\n{name}, {rule} rule: accuracy {result['accuracy']:.3f}, {scores}, n = {result['n']:,}")
            table = pd.DataFrame(result["per_class"]).T.astype({"support": int})
            print(table.to_string(float_format="{:.3f}".format))
    whole, *rest = disturbed.values()
    print("\nthe same faces under a camera's conditions, accuracy and how much it falls")
    for name, accuracy in disturbed.items():
        print(f"{name:20} {accuracy:.3f} {accuracy - whole:+.3f}")
    print(f"{'mean of these ' + str(len(rest)):20} {np.mean(rest):.3f} {np.mean(rest) - whole:+.3f}")


def report(network, sets: dict[str, Faces], emotions: list[str], votes: pd.DataFrame | None) -> tuple[dict, dict]:
    """Print and return how good the network is, and how good on disturbed faces of the last set, by the last rule."""
    metrics = evaluate(network, sets, emotions, votes)
    name, faces = list(sets.items())[-1]
    truth = labels_by_rule(faces, emotions, votes)[list(metrics[name])[-1]]
    disturbed = evaluate_corruptions(network, faces, truth, emotions)
    print_report(metrics, disturbed)
    return metrics, disturbed
