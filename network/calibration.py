"""How far a network's confidence can be trusted, and the temperature that mends it."""

import numpy as np

BINS = 15  # of the reliability diagram and the calibration error


def calibration_error(
    truth: np.ndarray, confidence: np.ndarray, predicted: np.ndarray
) -> tuple[float, list[tuple[int, float, float]]]:
    """Return the expected calibration error, and (faces, confidence, accuracy) of each bin.

    Naeini et al. 2015, as in Guo et al. 2017 (arXiv:1706.04599). `truth`, `confidence` and
    `predicted` are (n,). A bin's confidence is the mean of its faces'; bins without a face are left
    out.
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


def fit_temperature(probabilities: np.ndarray, labels: list[int]) -> float:
    """Return the temperature that makes these labels likeliest when the logits are divided by it.

    `probabilities` are (n, emotions), `labels` the numbers of n emotions. Guo et al. 2017
    (arXiv:1706.04599). A network that learned the shares of the votes is less sure than it could
    be: it says 0.6 where six of ten people agree, and is right more often than that.
    """
    logits = np.log(np.maximum(probabilities, 1e-9))
    losses = {}
    for temperature in np.geomspace(0.3, 3, 200):
        logs = logits / temperature
        logs -= np.logaddexp.reduce(logs, axis=1, keepdims=True)
        losses[float(temperature)] = -logs[np.arange(len(logs)), labels].mean()
    return min(losses, key=losses.get)
