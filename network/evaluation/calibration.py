"""Measure a network's calibration, and improve it with a logit adjustment and a temperature."""

import numpy as np

BINS = 15  # for the reliability diagram and the calibration error
MAX_ACCURACY_COST = 0.01  # the price of a higher macro recall, which matters more on other faces


def calibration_error(
    truth: np.ndarray, confidence: np.ndarray, predicted: np.ndarray
) -> tuple[float, list[tuple[int, float, float]]]:
    """Return the expected calibration error, and (faces, confidence, accuracy) of each bin.

    The error is from Naeini et al. 2015, as in Guo et al. 2017 (arXiv:1706.04599). All three arrays
    are (n,). A bin's confidence is the mean over its faces. Empty bins are left out.
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    right, table = truth == predicted, []
    for number in range(BINS):
        there = bins == number
        if there.any():
            mean_confidence, accuracy = confidence[there].mean(), right[there].mean()
            table.append((int(there.sum()), float(mean_confidence), float(accuracy)))
    error = sum(n * abs(sure - accuracy) for n, sure, accuracy in table) / len(truth)
    return error, table


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature for the logits that makes these labels likeliest.

    `probabilities` are (n, emotions), `labels` the numbers of n emotions. The method is from Guo et
    al. 2017 (arXiv:1706.04599). A network trained on votes is underconfident: it says 0.6 if six of
    ten people agree, and is right more often. One extra label, shared among the emotions, smooths
    the labels (Platt 1999). Otherwise a few faces, all classified correctly, would make the network
    certain.
    """
    logits, (n, emotions) = to_logits(probabilities), probabilities.shape
    smoothed = np.full(probabilities.shape, 1 / emotions / (n + 1))
    smoothed[np.arange(n), labels] += n / (n + 1)
    losses = {}
    for temperature in np.geomspace(0.1, 10, 400):
        logs = logits / temperature
        logs -= np.logaddexp.reduce(logs, axis=1, keepdims=True)
        losses[float(temperature)] = -(smoothed * logs).sum(axis=1).mean()
    return min(losses, key=lambda temperature: losses[temperature])


def adjustment_curve(
    probabilities: np.ndarray, labels: np.ndarray, shares: np.ndarray, emotions: list[str]
) -> list[dict]:
    """Return accuracy, macro recall and each emotion's recall for several strengths of adjustment.

    The logit adjustment is from Menon et al. 2021 (arXiv:2007.07314). It subtracts `strength` times
    the log of `shares`, the emotions' shares of the targets. So a rare emotion wins if it is nearly
    the likeliest. `probabilities` are (n, emotions), `labels` the numbers of n emotions.
    """
    logits, there = to_logits(probabilities), np.unique(labels)
    curve = []
    for strength in np.linspace(0, 1, 21):
        right = (logits - strength * np.log(shares)).argmax(axis=1) == labels
        recall = {emotions[number]: float(right[labels == number].mean()) for number in there}
        macro = float(np.mean(list(recall.values())))
        point = {"accuracy": float(right.mean()), "macro_recall": macro, "recall": recall}
        curve.append({"strength": round(float(strength), 2), **point})
    return curve


def choose_adjustment(curve: list[dict], n: int) -> float:
    """Return the strength with the highest macro recall that costs at most MAX_ACCURACY_COST.

    It is 0 if a single one of the `n` faces costs more than that, because chance would decide.
    """
    if n * MAX_ACCURACY_COST < 1:
        return 0.0
    least = curve[0]["accuracy"] - MAX_ACCURACY_COST
    affordable = [point for point in curve if point["accuracy"] >= least]
    return max(affordable, key=lambda point: point["macro_recall"])["strength"]


def calibrated(probabilities: np.ndarray, offsets: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities, (n, emotions), of logits minus `offsets`, divided by `temperature`."""
    return softmax((to_logits(probabilities) - offsets) / temperature)


def to_logits(probabilities: np.ndarray) -> np.ndarray:
    """Return logits, (n, emotions), whose softmax gives these probabilities."""
    return np.log(np.maximum(probabilities, 1e-9))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
