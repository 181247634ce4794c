"""How far a network's confidence can be trusted."""

import numpy as np

BINS = 15  # of the reliability diagram and the calibration error


def reliability(truth: np.ndarray, confidence: np.ndarray, predicted: np.ndarray) -> tuple[float, list]:
    """Return the expected calibration error, and per bin of confidence: faces, their confidence, their accuracy."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    right = truth == predicted
    table = [
        (int(there.sum()), float(confidence[there].mean()), float(right[there].mean()))
        for there in (bins == number for number in range(BINS))
        if there.any()
    ]
    return sum(n * abs(sure - accuracy) for n, sure, accuracy in table) / len(truth), table
