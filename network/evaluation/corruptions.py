"""Corruptions of faces, as bad cameras and other cameras cause them.

The idea is from Hendrycks and Dietterich (arXiv:1903.12261). Each corruption takes a gray image,
uint8 (side, side), a severity in its own unit, and a random generator. It returns an image of gray
values, which may lie outside 0 to 255.
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np


def brightness(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    return severity * image


def gaussian_blur(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), severity)


def gaussian_noise(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    return image + rng.normal(0, severity, image.shape)


def rotation(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    return _warp(image, angle=float(rng.choice([-severity, severity])))


def translation(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    x, y = rng.choice([-severity, severity], 2) * len(image)
    return _warp(image, x=x, y=y)


def jpeg_compression(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(severity)])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def occlusion(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    side = int(len(image) * severity)
    x, y = rng.integers(0, len(image) - side, 2).tolist()
    return cv2.rectangle(image.copy(), (x, y), (x + side - 1, y + side - 1), 127, cv2.FILLED)


def gamma(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    return 255 * (image / 255) ** severity


def contrast(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    return image.mean() + severity * (image - image.mean())


def resolution(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    side = round(len(image) * severity)
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _warp(image: np.ndarray, angle: float = 0.0, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    """Return an image turned around its centre by `angle` degrees and moved by (x, y) pixels."""
    size = len(image)
    turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, 1)
    turn[:, 2] += np.array([x, y])
    return cv2.warpAffine(image, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)


CORRUPTIONS: list[tuple[Callable, float]] = [
    (brightness, 0.3),  # share of the light
    (gaussian_blur, 1.5),  # pixels
    (gaussian_noise, 15),  # standard deviation in gray values
    (rotation, 15),  # degrees, in either direction
    (translation, 0.1),  # share of the side, along both axes
    (jpeg_compression, 20),  # JPEG quality
    (occlusion, 1 / 3),  # share of the side, so a ninth of the face
]
# Further differences between a webcam's faces and FER-2013's
OTHER_CAMERAS: list[tuple[Callable, float]] = [
    (gamma, 2.0),  # darker
    (gamma, 0.5),  # lighter
    (contrast, 0.3),  # share of the difference from the mean
    (resolution, 0.5),  # share of the side
]


def corrupted(images: np.ndarray) -> Iterator[tuple[str, float, np.ndarray]]:
    """Yield each corruption's name, its severity, and the corrupted images.

    `images` are uint8 (n, side, side, 1). The same images always give the same corrupted images.
    """
    rng = np.random.default_rng(0)
    for corrupt, severity in CORRUPTIONS + OTHER_CAMERAS:
        changed = [
            np.clip(corrupt(image, severity, rng), 0, 255).astype(np.uint8)
            for image in images[..., 0]
        ]
        yield corrupt.__name__, severity, np.stack(changed)[..., None]
