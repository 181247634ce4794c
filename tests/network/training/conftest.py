"""A training in the tests' own process, of a network with few filters on a few random faces."""

from pathlib import Path

import numpy as np
import pytest

from network.data.faces import Faces
from network.data.input import Input
from network.recipe import Recipe

EMOTIONS = ["anger", "fear", "joy"]


@pytest.fixture
def small():
    """Return the recipe of the small network."""
    return Recipe(filters=((8,), (8, 8)), epochs=3, batch_size=8)


@pytest.fixture
def given():
    """Return 24 faces to train on, and 9 that choose the best epoch."""
    sets = []
    for n in (24, 9):
        labels = np.arange(n) % 3
        images = np.random.default_rng(n).integers(0, 256, (n, 48, 48, 1), np.uint8)
        paths = [Path(f"row{number:05}.png") for number in range(n)]
        sets.append(Faces(images, labels, paths, dict.fromkeys(EMOTIONS, n // 3)))
    train, val = sets
    targets = np.eye(3, dtype=np.float32)[train.labels]
    return Input(train, targets, {"val": val}, EMOTIONS, {}, False, {}, {})
