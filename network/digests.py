"""Digests, which tell faces and networks from others, and the files of a network."""

import hashlib
from pathlib import Path

import numpy as np

from common.errors import fail

NETWORK = ["emotion.keras", "labels.txt"]  # the files of a Keras network


def digest(*arrays: np.ndarray) -> str:
    """Return what tells these arrays from others: a hash of their bytes, in hexadecimal digits."""
    return hashlib.sha256(
        b"".join(hashlib.sha256(array.data).digest() for array in arrays)
    ).hexdigest()


def check_network(folder: Path, mend: str = "make it with `python train.py`") -> None:
    """Raise UserError that names a missing file of a model folder's Keras network, and `mend`."""
    for name in NETWORK:
        if not (folder / name).is_file():
            fail(folder / name, "no such file", mend)


def digest_network(folder: Path) -> str:
    """Return a digest of a model folder's Keras network."""
    return digest(*(np.frombuffer((folder / name).read_bytes(), np.uint8) for name in NETWORK))
