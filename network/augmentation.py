"""Augmented training faces, by OpenCV: Keras's layers for this take as long as the network does."""

import itertools
import math
from collections.abc import Iterator

import cv2
import numpy as np

from network.recipe import Augmentation


def augment(face: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a face, uint8 (side, side), as another picture of the same moment might show it.

    One affine map, so that the face is interpolated once.
    """
    # 1. Turn, zoom, flip and shift, about the middle of the face
    size, most = len(face), augmentation
    angle = math.radians(rng.uniform(-most.max_rotation, most.max_rotation))
    flip = rng.choice([-1, 1])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turn = turn * rng.uniform(1 - most.max_zoom, 1 + most.max_zoom, 2) * (flip, 1)
    middle = np.full(2, (size - 1) / 2)
    shift = middle - turn @ middle + size * rng.uniform(-most.max_shift, most.max_shift, 2)
    affine = np.column_stack([turn, shift])
    face = cv2.warpAffine(face, affine, (size, size), borderMode=cv2.BORDER_REPLICATE)
    # 2. Blur as by a poor lens, noise as in poor light, a rectangle as of a hand or hair
    if rng.random() < augmentation.blur_probability:
        face = cv2.GaussianBlur(face, (0, 0), rng.uniform(*augmentation.blur_sigma))
    if rng.random() < augmentation.noise_probability:
        noise = rng.standard_normal(face.shape, np.float32)
        noisy = face + rng.uniform(0, augmentation.max_noise_std) * noise
        face = np.clip(noisy, 0, 255).astype(np.uint8)
    if rng.random() < augmentation.erase_probability:
        x, y = rng.integers(0, size, 2).tolist()
        width, height = rng.integers(size // 8, size // 2, 2).tolist()
        corner = (x - width // 2, y - height // 2)
        cv2.rectangle(face, (*corner, width, height), int(rng.integers(256)), cv2.FILLED)
    return face


def batches(
    faces: np.ndarray,
    targets: np.ndarray,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    epoch: int = 0,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of augmented faces and their targets, without end.

    `faces` are uint8 (n, side, side, 1), `targets` (n, ...). `epoch` is the first one, from 0: each
    has a random order and changes of its own, which follow from it and from `seed`.
    """
    for number in itertools.count(epoch):
        rng = np.random.default_rng([seed, number])
        order = rng.permutation(len(faces))
        for batch in (
            order[start : start + batch_size] for start in range(0, len(faces), batch_size)
        ):
            augmented = np.stack(
                [augment(face, augmentation, rng) for face in faces[batch, :, :, 0]]
            )
            yield augmented[..., None], targets[batch]
