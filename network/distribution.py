"""Several devices for one training, each with its share of every batch: Keras's data parallelism.

Of Keras's backends JAX alone has it; batch normalisation is over all devices' faces.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np

from common.errors import fail


def process() -> tuple[int, int]:
    """Return the number of this process, from 0, and how many there are."""
    if keras.backend.backend() != "jax":
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


@contextmanager
def on_all_devices(batch_size: int) -> Iterator[None]:
    """Make what is built in the block use all devices of all processes.

    Raises UserError when they can't share a batch evenly.
    """
    devices = len(keras.distribution.list_devices()) if keras.backend.backend() == "jax" else 1
    if devices == 1:
        yield
        return
    if batch_size % devices:
        near = max(1, round(batch_size / devices)) * devices
        fail(f"--batch-size {batch_size}: not divisible by {devices} devices; give {near}")
    print(f"{devices} devices, {batch_size // devices} faces of each batch on each")
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        yield


@contextmanager
def on_one_device() -> Iterator[None]:
    """Make the block, as of saving a model, do nothing that other processes must do too."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def share_of_validation(
    images: np.ndarray, targets: np.ndarray, batch_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return this process's share of faces and targets, and how much each counts, float32 (n,).

    They are filled up to whole batches by faces that count nothing, so that devices can share them.
    """
    n, whole = len(images), math.ceil(len(images) / batch_size) * batch_size
    filled, (index, count) = np.arange(whole), process()
    # The loss is a mean over all, those that count nothing too
    weights = np.where(filled < n, whole / n, 0).astype(np.float32)
    share = filled[index::count]
    return images[share % n], targets[share % n], weights[share]
