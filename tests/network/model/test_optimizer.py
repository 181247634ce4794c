"""Muon."""

import numpy as np
import pytest


def test_muon_takes_steps_of_one_size_in_every_direction_of_a_kernel():
    """The gradient's directions do not matter.

    Only kernels of hidden layers are matrices. The head's 1x1 kernel, a depthwise kernel and a bias
    take AdamW's steps.
    """
    import keras

    from network.model import optimizer

    draw = np.random.default_rng(0)
    shapes = {"kernel": (3, 3, 8, 6), "pointwise_kernel": (1, 1, 72, 6), "head": (1, 1, 8, 6)}
    shapes |= {"depthwise_kernel": (3, 3, 6, 1), "bias": (6,)}
    scales = {name: np.geomspace(1, 100, 6)[: shape[-1]] for name, shape in shapes.items()}
    gradients = [np.float32(draw.normal(size=shapes[name]) * scales[name]) for name in shapes]
    variables = [keras.Variable(np.zeros(shapes[name], np.float32), name=name) for name in shapes]
    optimizer.Muon(0.01, weight_decay=0.0).apply(gradients, variables)
    kernel, pointwise, *others = [keras.ops.convert_to_numpy(variable) for variable in variables]
    for matrix in (kernel, pointwise):
        sizes = np.linalg.svd(matrix.reshape(72, 6))[1] / (0.01 * 0.2 * np.sqrt(72))
        assert sizes.min() > 0.6 and sizes.max() < 1.3
    assert all(np.abs(value) == pytest.approx(0.01, rel=1e-3) for value in others)
