"""Digests that identify faces and networks, and the files of a network."""

import hashlib
from pathlib import Path

import numpy as np

from common.files import LARGEST_NETWORK, require_file

NETWORK = ["emotion.keras", "labels.txt"]  # the files of a Keras network


def digest(*arrays: np.ndarray) -> str:
    """Return a hash of the arrays' bytes, in hexadecimal digits."""
    hashes = [hashlib.sha256(array.data).digest() for array in arrays]
    return hashlib.sha256(b"".join(hashes)).hexdigest()


def check_network(folder: Path, mend: str = "make it with `python train.py`") -> None:
    """Raise UserError if a file of a model folder's Keras network is missing or too large."""
    for name in NETWORK:
        require_file(folder / name, LARGEST_NETWORK, mend)


def digest_network(folder: Path) -> str:
    """Return a digest of a model folder's Keras network."""
    return digest(*(np.frombuffer((folder / name).read_bytes(), np.uint8) for name in NETWORK))
