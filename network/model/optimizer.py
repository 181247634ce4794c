"""Muon for the kernels of the convolutions, AdamW for all else."""

import math

import keras
from keras import ops

MOMENTUM = 0.95


class Muon(keras.optimizers.AdamW):
    """Muon for the 3x3 and pointwise kernels and AdamW for the rest, with the same learning rate.

    Muon (Jordan et al. 2024) treats a kernel's momentum as a matrix and sets all its singular
    values to about 1. So the network learns rare directions as fast as common ones. The steps are
    scaled to the size of AdamW's (arXiv:2502.16982). Keras's own Muon, up to 3.15, uses AdamW for
    convolutions. The head stays with AdamW, because Muon is for hidden layers, and so do depthwise
    kernels, which are not matrices.
    """

    def update_step(self, gradient, variable, learning_rate):
        shape, name = variable.shape, variable.name  # TensorFlow adds to the name
        is_3x3 = len(shape) == 4 and shape[:2] != (1, 1) and "depthwise" not in name
        if not is_3x3 and "pointwise" not in name:
            return super().update_step(gradient, variable, learning_rate)
        momentum = self._momentums[self._get_variable_index(variable)]
        self.assign(momentum, MOMENTUM * momentum + gradient)
        step = ops.reshape(gradient + MOMENTUM * momentum, (-1, variable.shape[-1]))
        # Make a row per filter. The rows are usually the shorter side, so the products stay small
        step = ops.transpose(step)
        step = step / (ops.norm(step) + 1e-7)
        for _ in range(5):  # Newton and Schulz's iteration with Jordan's coefficients
            squared = step @ ops.transpose(step)
            step = 3.4445 * step + (-4.7750 * squared + 2.0315 * squared @ squared) @ step
        rate = 0.2 * math.sqrt(max(step.shape)) * ops.cast(learning_rate, variable.dtype)
        self.assign_sub(variable, rate * ops.reshape(ops.transpose(step), variable.shape))
