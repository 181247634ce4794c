"""Muon."""

import numpy as np
import pytest


def test_muon_takes_steps_of_one_size_in_every_direction_of_a_kernel():
    """The gradient's directions do not matter. A 1x1 kernel and a bias take AdamW's steps."""
    import keras

    from network.model import optimizer

    draw = np.random.default_rng(0)
    shapes = [(3, 3, 8, 6), (1, 1, 8, 6), (6,)]
    gradients = [np.float32(draw.normal(size=shape) * np.geomspace(1, 100, 6)) for shape in shapes]
    variables = [keras.Variable(np.zeros(gradient.shape, np.float32)) for gradient in gradients]
    optimizer.Muon(0.01, weight_decay=0.0).apply(gradients, variables)
    kernel, *others = [keras.ops.convert_to_numpy(variable) for variable in variables]
    sizes = np.linalg.svd(kernel.reshape(72, 6))[1] / (0.01 * 0.2 * np.sqrt(72))
    assert sizes.min() > 0.6 and sizes.max() < 1.3
    assert all(np.abs(value) == pytest.approx(0.01, rel=1e-3) for value in others)
