"""Augmented training faces, by OpenCV: Keras's layers for this take as long as the network does."""

import itertools
import math
from collections.abc import Iterator

import cv2
import numpy as np

from network.recipe import Augmentation


def augment(face: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a face, uint8 (side, side), as another picture of the same moment might show it."""
    for change in (move, relight, lose_detail, degrade):
        face = change(face, augmentation, rng)
    return face


def move(face: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a face turned, zoomed, flipped and shifted about its middle.

    By one affine map, so that it is interpolated once.
    """
    size = len(face)
    angle = math.radians(rng.uniform(-ranges.max_rotation, ranges.max_rotation))
    flip = rng.choice([-1, 1])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turn = turn * rng.uniform(1 - ranges.max_zoom, 1 + ranges.max_zoom, 2) * (flip, 1)
    middle = np.full(2, (size - 1) / 2)
    shift = middle - turn @ middle + size * rng.uniform(-ranges.max_shift, ranges.max_shift, 2)
    affine = np.column_stack([turn, shift])
    return cv2.warpAffine(face, affine, (size, size), borderMode=cv2.BORDER_REPLICATE)


def relight(face: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a face by another camera's tone curve, or in a shadow with a soft edge."""
    if rng.random() < ranges.light_probability:
        face = cv2.LUT(face, tone_curve(ranges, rng))
    if rng.random() < ranges.shadow_probability:
        face = cast_shadow(face, ranges, rng)
    return face


def lose_detail(face: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a face from far away, sharpened by a camera, or blurred as by a poor lens."""
    size = len(face)
    if rng.random() < ranges.reduce_probability:
        side = int(size * rng.uniform(ranges.min_reduced, 1))
        small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        face = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < ranges.sharpen_probability:
        amount, soft = rng.uniform(0, ranges.max_sharpening), cv2.GaussianBlur(face, (0, 0), 1)
        face = cv2.addWeighted(face, 1 + amount, soft, -amount, 0)
    if rng.random() < ranges.blur_probability:
        face = cv2.GaussianBlur(face, (0, 0), rng.uniform(*ranges.blur_sigma))
    return face


def degrade(face: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a face with noise as in poor light, JPEG as of a stream, covered as by a hand."""
    if rng.random() < ranges.noise_probability:
        noise = rng.standard_normal(face.shape, np.float32)
        noisy = face + rng.uniform(0, ranges.max_noise_std) * noise
        face = np.clip(noisy, 0, 255).astype(np.uint8)
    if rng.random() < ranges.jpeg_probability:
        quality = int(rng.integers(ranges.min_jpeg_quality, 90))
        data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        face = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    if rng.random() < ranges.erase_probability:
        size = len(face)
        x, y = rng.integers(0, size, 2).tolist()
        width, height = rng.integers(size // 8, size // 2, 2).tolist()
        corner = (x - width // 2, y - height // 2)
        cv2.rectangle(face, (*corner, width, height), int(rng.integers(256)), cv2.FILLED)
    return face


def tone_curve(ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return what becomes of each gray value, uint8 (256,), by a random gamma and contrast."""
    gamma = math.exp(rng.uniform(-1, 1) * math.log(ranges.max_gamma))
    contrast = math.exp(rng.uniform(-1, 1) * math.log(ranges.max_contrast))
    curve = 255 * (np.arange(256) / 255) ** gamma
    middle = rng.uniform(64, 192)  # the gray value that stays as it is
    return np.clip((curve - middle) * contrast + middle, 0, 255).astype(np.uint8)


def cast_shadow(face: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a face with one side of a random straight edge darker, the edge soft."""
    size, angle = len(face), rng.uniform(0, 2 * math.pi)
    along = np.linspace(-1, 1, size, dtype=np.float32)
    distance = math.cos(angle) * along + math.sin(angle) * along[:, None]
    lit = 1 / (1 + np.exp((distance - rng.uniform(-0.5, 0.5)) * rng.uniform(2, 12)))
    dark = rng.uniform(ranges.min_shadow, 1)
    return (face * (dark + (1 - dark) * lit)).astype(np.uint8)


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
