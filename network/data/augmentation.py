"""Augment training faces with OpenCV. Keras's augmentation layers take as long as the network."""

import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from common.libraries import uninterrupted
from network.recipe import Augmentation


def augment(faces: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return faces, uint8 (n, side, side), changed to look like other pictures of those moments.

    Random numbers are drawn for all faces at once. Drawing them face by face would take half of the
    total time.
    """
    for change in (move, relight, lose_detail, degrade):
        faces = change(faces, augmentation, rng)
    return faces


def move(faces: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return faces turned, zoomed, flipped and shifted, each by one affine map."""
    n, size = len(faces), faces.shape[1]
    angles = np.radians(rng.uniform(-ranges.max_rotation, ranges.max_rotation, n))
    cos, sin = np.cos(angles), np.sin(angles)
    turns = np.stack([cos, -sin, sin, cos], axis=1).reshape(n, 2, 2)
    # Column 0 is for x, column 1 for y. Some faces are flipped in x
    turns *= rng.uniform(1 - ranges.max_zoom, 1 + ranges.max_zoom, (n, 1, 2))
    turns[:, :, 0] *= np.where(rng.random((n, 1)) < ranges.flip_probability, -1, 1)
    middle = np.full(2, (size - 1) / 2)
    shifts = size * rng.uniform(-ranges.max_shift, ranges.max_shift, (n, 2))
    affines = np.concatenate([turns, (middle - turns @ middle + shifts)[:, :, None]], axis=2)
    moved = np.empty_like(faces)
    for face, affine, out in zip(faces, affines, moved):
        cv2.warpAffine(face, affine, (size, size), out, borderMode=cv2.BORDER_REPLICATE)
    return moved


def relight(faces: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return faces, some with another camera's tone curve, some with a soft-edged shadow."""
    lit = some(len(faces), ranges.light_probability, rng)
    for index, curve in zip(lit, tone_curves(len(lit), ranges, rng)):
        faces[index] = cv2.LUT(faces[index], curve)
    shaded = some(len(faces), ranges.shadow_probability, rng)
    faces[shaded] = faces[shaded] * shadows(len(shaded), faces.shape[1], ranges, rng)
    return faces


def lose_detail(faces: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return faces, some from far away, some sharpened by a camera, some blurred by a poor lens."""
    n, size = len(faces), faces.shape[1]
    reduced = some(n, ranges.reduce_probability, rng)
    sides = (size * rng.uniform(ranges.min_reduced, 1, len(reduced))).astype(int).tolist()
    for index, side in zip(reduced, sides):
        small = cv2.resize(faces[index], (side, side), interpolation=cv2.INTER_AREA)
        faces[index] = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    sharpened = some(n, ranges.sharpen_probability, rng)
    amounts = rng.uniform(0, ranges.max_sharpening, len(sharpened))
    for index, amount in zip(sharpened, amounts):
        soft = cv2.GaussianBlur(faces[index], (0, 0), 1)
        faces[index] = cv2.addWeighted(faces[index], 1 + amount, soft, -amount, 0)
    blurred = some(n, ranges.blur_probability, rng)
    for index, sigma in zip(blurred, rng.uniform(*ranges.blur_sigma, len(blurred))):
        faces[index] = cv2.GaussianBlur(faces[index], (0, 0), sigma)
    return faces


def degrade(faces: np.ndarray, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return faces, some noisy as in poor light, some JPEG-compressed, some partly covered."""
    n, size = len(faces), faces.shape[1]
    noisy = some(n, ranges.noise_probability, rng)
    strengths = rng.uniform(0, ranges.max_noise_std, (len(noisy), 1, 1))
    noise = strengths * rng.standard_normal((len(noisy), size, size), np.float32)
    faces[noisy] = np.clip(faces[noisy] + noise, 0, 255)
    compressed = some(n, ranges.jpeg_probability, rng)
    qualities = rng.integers(ranges.min_jpeg_quality, 90, len(compressed)).tolist()
    for index, quality in zip(compressed, qualities):
        data = cv2.imencode(".jpg", faces[index], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        faces[index] = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    covered = some(n, ranges.erase_probability, rng)
    middles = rng.integers(0, size, (len(covered), 2))
    sizes = rng.integers(size // 8, size // 2, (len(covered), 2))
    boxes = np.concatenate([middles - sizes // 2, sizes], axis=1).tolist()
    for index, box, gray in zip(covered, boxes, rng.integers(0, 256, len(covered)).tolist()):
        cv2.rectangle(faces[index], box, gray, cv2.FILLED)
    return faces


def some(n: int, probability: float, rng: np.random.Generator) -> np.ndarray:
    """Return the indices of a random choice among n faces, each with the same probability."""
    return np.flatnonzero(rng.random(n) < probability)


def tone_curves(n: int, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return look-up tables for gray values, uint8 (n, 256), with random gammas and contrasts."""
    gammas = ranges.max_gamma ** rng.uniform(-1, 1, (n, 1))
    contrasts = ranges.max_contrast ** rng.uniform(-1, 1, (n, 1))
    curves = 255 * (np.arange(256) / 255) ** gammas
    middles = rng.uniform(64, 192, (n, 1))  # the gray values that contrast leaves unchanged
    return np.clip((curves - middles) * contrasts + middles, 0, 255).astype(np.uint8)


def shadows(n: int, size: int, ranges: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return shares of the light, float (n, size, size), darker on one side of a soft edge."""
    angles = rng.uniform(0, 2 * math.pi, (n, 1, 1))
    along = np.linspace(-1, 1, size)
    distances = np.cos(angles) * along + np.sin(angles) * along[:, None]
    edges, softness = rng.uniform(-0.5, 0.5, (n, 1, 1)), rng.uniform(2, 12, (n, 1, 1))
    lit = 1 / (1 + np.exp((distances - edges) * softness))
    dark = rng.uniform(ranges.min_shadow, 1, (n, 1, 1))
    return dark + (1 - dark) * lit


def batches(
    faces: np.ndarray,
    targets: np.ndarray,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    epoch: int = 0,
    process: int = 0,
    processes: int = 1,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of augmented faces and their targets, endlessly.

    `faces` are uint8 (n, side, side, 1), `targets` (n, ...). `epoch` is the number of the first
    epoch. `seed` and an epoch's number determine its order and its augmentation. The epoch's first
    faces fill up its last batch. Each of several `processes` yields its share of every batch.
    """
    cv2.setNumThreads(1)  # a second thread would only wait on such small faces
    whole = math.ceil(len(faces) / batch_size) * batch_size
    for number in itertools.count(epoch):
        rng = np.random.default_rng([seed, number])
        order = np.resize(rng.permutation(len(faces)), whole)
        rng = rng.spawn(processes)[process]
        for batch in order.reshape(-1, processes, batch_size // processes)[:, process]:
            augmented = augment(faces[batch, :, :, 0], augmentation, rng)
            yield augmented[..., None], targets[batch]


def prefetch(batches: Iterator) -> Iterator:
    """Yield `batches`, while a thread already makes the next one."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches)
        while True:
            with uninterrupted():  # Ctrl-C here could leave the thread locked for good
                batch = coming.result()
                coming = thread.submit(next, batches)
            yield batch
