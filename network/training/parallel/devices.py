"""Train on several devices, each with its share of every batch.

This is Keras's data parallelism, which only works on JAX. Batch normalisation spans all devices.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np

from common.errors import fail
from network.training.parallel.processes import process


@contextmanager
def data_parallel(batch_size: int) -> Iterator[None]:
    """Train models built in the block on all devices of all processes.

    Raises UserError if the devices can't share a batch evenly.
    """
    devices = len(keras.distribution.list_devices()) if keras.backend.backend() == "jax" else 1
    if devices == 1:
        yield
        return
    if batch_size % devices:
        near = max(1, round(batch_size / devices)) * devices
        mend = f"give {near}, or use fewer devices (CUDA_VISIBLE_DEVICES)"
        fail(f"--batch-size {batch_size}", f"not divisible by {devices} devices", mend)
    print(f"{devices} devices, each with {batch_size // devices} faces of every batch")
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        yield


@contextmanager
def without_distribution() -> Iterator[None]:
    """Turn off data parallelism in the block, so that a single process can save a model."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def shard_validation(
    images: np.ndarray, targets: np.ndarray, batch_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return this process's shard of faces and targets, and sample weights, float32 (n,).

    Padding with weight 0 fills up the last batch, so that the devices can share it.
    """
    n, padded = len(images), math.ceil(len(images) / batch_size) * batch_size
    index, count = process()
    shard = np.arange(index, padded, count)
    # The loss averages over the padding too, so the other weights are higher
    weights = np.where(shard < n, padded / n, 0).astype(np.float32)
    return images[shard % n], targets[shard % n], weights
