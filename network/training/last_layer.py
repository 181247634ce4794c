"""Fit the last layer of a trained network to a few labelled faces, in seconds and without epochs.

With few faces, emotions that the network knows get new biases only. New emotions get a logistic
regression on the network's features. With more faces, cross-validation chooses among these two and
a regression on the network's own logits, which combines its emotions in new ways. All of them are
linear in the features, so the result is the same network with another last layer.
docs/measurements.md has the figures.
"""

import re
import warnings
from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from keras import layers
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from dataset.ferplus import OTHER_NAMES
from network.data.faces import Faces
from network.data.input import Input
from network.evaluation.calibration import fit_temperature, softmax
from network.model.architecture import average_mirrored, build_network, take_features
from network.recipe import Recipe

FEW = 30  # with fewer faces of the rarest emotion, cross-validation chooses badly
STRENGTHS = np.logspace(-4, 1, 6)  # C of scikit-learn: a lower value regularises more
SAFE_STRENGTH = 0.01  # for a regression of few faces on the features
FOLDS = 5

Head = tuple[np.ndarray, np.ndarray]  # kernel (features, emotions) and bias (emotions,)


def fit_network(given: Input, recipe: Recipe) -> keras.Model:
    """Return the network of `recipe.start_from`, with its last layer fitted to the training faces.

    The network is averaged over mirrored faces. Prints how the last layer was fitted. Raises
    UserError if the network's layers differ from the recipe's.
    """
    assert recipe.start_from
    network = build_network(len(given.emotions), recipe)
    trained, known = take_features(network, given.emotions, recipe.start_from)
    features = pooled_features(network, given.train.images)
    ways = list_ways(
        trained, find_emotions(given.emotions, known), min(given.train.counts.values())
    )
    name, (kernel, bias) = fit_best(ways, features, given.train)
    network.get_layer("head").set_weights([kernel[None, None], bias])
    print(f"last layer: {name}; --epochs trains it instead")
    return average_mirrored(network)


def pooled_features(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the last layer's input, float32 (n, features), for faces, uint8 (n, side, side, 1).

    It is a mean over each image and its mirror image.
    """
    inputs = network.get_layer("head").input
    pooled = keras.Model(network.input, layers.GlobalAveragePooling2D()(inputs))
    both = [pooled.predict(faces, verbose=0) for faces in (images, images[:, :, ::-1])]
    return np.mean(both, axis=0)


def find_emotions(emotions: list[str], known: list[str]) -> list[int]:
    """Return the indices of `emotions` in `known`, or [] if one of them is not known."""
    names = [name if name in known else OTHER_NAMES.get(name) for name in emotions]
    if len(set(names) & set(known)) < len(emotions):
        return []
    return [known.index(str(name)) for name in names]


def list_ways(trained: Head, same: list[int], n: int) -> dict[str, Callable]:
    """Return the ways to fit a last layer with `n` faces of the rarest emotion.

    The result is {name: function of features and labels that fits a last layer}. `same` are the
    indices that `find_emotions` returns.
    """
    kernel, bias = trained
    ways: dict[str, Callable] = {}
    if same:
        known = kernel[:, same], bias[same]
        ways["new biases for the emotions it knows"] = partial(fit_biases, known)
        if n < FEW:
            return ways
    centered = kernel - kernel.mean(axis=1, keepdims=True)
    bases = {"logits": centered} if n >= FEW else {}
    for name, basis in {**bases, "features": np.eye(len(kernel))}.items():
        for strength in STRENGTHS if n >= FEW else [SAFE_STRENGTH]:
            how = f"a regression on its {basis.shape[1]} {name}, C = {strength:g}"
            ways[how] = partial(regress, basis, float(strength))
    return ways


def fit_best(ways: dict[str, Callable], features: np.ndarray, faces: Faces) -> tuple[str, Head]:
    """Return the name and the last layer of the way with the lowest cross-validated loss.

    `features` are (n, features).
    """
    if len(ways) > 1:
        losses = {name: cross_validate(fit, features, faces) for name, fit in ways.items()}
        best = min(losses, key=lambda name: losses[name])
    else:
        (best,) = ways
    return best, ways[best](features, faces.labels)


def fit_biases(known: Head, features: np.ndarray, labels: np.ndarray) -> Head:
    """Return the last layer `known` with the biases and the temperature that fit the labels best.

    A change of one logit costs as much as half a face, so a few faces change little.
    """
    kernel, bias = known
    logits, change = features @ kernel + bias, np.zeros(len(bias))
    truth = np.eye(len(bias))[labels]
    for _ in range(20):  # Newton's method
        expected = softmax(logits + change)
        slope = (truth - expected).sum(axis=0) - change
        curvature = np.diag(expected.sum(axis=0) + 1) - expected.T @ expected
        change += np.linalg.solve(curvature, slope)
    temperature = fit_temperature(softmax(logits + change), labels)
    return kernel / temperature, (bias + change) / temperature


def regress(basis: np.ndarray, strength: float, features: np.ndarray, labels: np.ndarray) -> Head:
    """Return the last layer of a logistic regression on `features @ basis`, standardised."""
    inputs = features @ basis
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    regression = LogisticRegression(C=strength, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit((inputs - mean) / spread, labels)
    weights, bias = regression.coef_.T / spread[:, None], regression.intercept_
    bias = bias - mean @ weights
    if len(bias) == 1:  # for two emotions, scikit-learn gives only the second one's logit
        weights, bias = (np.concatenate([-part / 2, part / 2], axis=-1) for part in (weights, bias))
    return basis @ weights, bias


def cross_validate(fit: Callable, features: np.ndarray, faces: Faces) -> float:
    """Return the mean loss on held-out folds, for a last layer fitted to the other folds.

    A face and its copies from contrast.py and sharpness.py are in the same fold.
    """
    names = [original_name(path.stem) for path in faces.paths]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    probabilities = np.zeros((len(names), len(faces.counts)))
    for fitted, held_out in folds.split(features, faces.labels, names):
        kernel, bias = fit(features[fitted], faces.labels[fitted])
        probabilities[held_out] = softmax(features[held_out] @ kernel + bias)
    return float(-np.log(probabilities[np.arange(len(names)), faces.labels] + 1e-9).mean())


def original_name(stem: str) -> str:
    """Return the name of the original face: `happy3` for `00012_happy3_contrast`."""
    return re.sub(r"^\d{5,}_|_(contrast|sharpness)$", "", stem)
