"""Augmented training faces, by OpenCV: Keras's layers for this take as long as the network does."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Augmentation:
    """How far a training face may be changed; each range goes to both sides."""

    max_shift: float = 0.1  # of the side
    max_rotation: float = 15  # degrees
    max_zoom: float = 0.15  # of the width and, drawn apart, of the height
    blur_probability: float = 0.2
    blur_sigma: tuple[float, float] = (0.3, 1.8)  # pixels
    noise_probability: float = 0.2
    max_noise_std: float = 20  # gray values
    erase_probability: float = 0.2  # of covering a rectangle


def augment(face: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a face, uint8 (side, side), as another picture of the same moment might show it.

    One affine map, so that the face is interpolated once.
    """
    # 1. Turn, zoom, flip and shift, about the middle of the face
    size = len(face)
    angle = math.radians(rng.uniform(-augmentation.max_rotation, augmentation.max_rotation))
    flip = rng.choice([-1, 1])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turn = turn * rng.uniform(1 - augmentation.max_zoom, 1 + augmentation.max_zoom, 2) * (flip, 1)
    middle = np.full(2, (size - 1) / 2)
    shift = (
        middle
        - turn @ middle
        + size * rng.uniform(-augmentation.max_shift, augmentation.max_shift, 2)
    )
    face = cv2.warpAffine(
        face, np.column_stack([turn, shift]), (size, size), borderMode=cv2.BORDER_REPLICATE
    )
    # 2. Blur as by a poor lens, noise as in poor light, a rectangle as of a hand or hair
    if rng.random() < augmentation.blur_probability:
        face = cv2.GaussianBlur(face, (0, 0), rng.uniform(*augmentation.blur_sigma))
    if rng.random() < augmentation.noise_probability:
        noise = rng.standard_normal(face.shape, np.float32)
        face = np.clip(face + rng.uniform(0, augmentation.max_noise_std) * noise, 0, 255).astype(
            np.uint8
        )
    if rng.random() < augmentation.erase_probability:
        (x, y), (width, height) = (
            rng.integers(0, size, 2).tolist(),
            rng.integers(size // 8, size // 2, 2).tolist(),
        )
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

    `faces` are uint8 (n, side, side, 1), `targets` (n, ...). `epoch` is the first one, counted from 0:
    each has a random order and changes of its own, which follow from it and from `seed`.
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
