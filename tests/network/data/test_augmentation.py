"""The effect of augmentation on a face, and the batches."""

from dataclasses import replace

import numpy as np
import pytest

from network.data.augmentation import augment, batches, prefetch
from network.recipe import Augmentation

# Everything is off except the mirror
STEADY = Augmentation(
    max_shift=0,
    max_rotation=0,
    max_zoom=0,
    light_probability=0,
    shadow_probability=0,
    reduce_probability=0,
    sharpen_probability=0,
    blur_probability=0,
    noise_probability=0,
    jpeg_probability=0,
    erase_probability=0,
)


def augmented(face, times=300, **changes):
    faces = np.repeat(face[None], times, axis=0)
    return augment(faces, replace(STEADY, **changes), np.random.default_rng(0))


def test_augmentation_mirrors_half_of_the_faces_and_leaves_the_rest_as_they_are():
    face = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    faces = augmented(face)
    same, mirrored = [(faces == wanted).all(axis=(1, 2)) for wanted in (face, face[:, ::-1])]
    assert (same ^ mirrored).all() and 120 < same.sum() < 180


def test_augmentation_shifts_turns_and_zooms_within_its_bounds():
    """The face has a bright bar of 12x2 pixels, 6 right of the middle.

    The test measures its place, length and slope.
    """
    face = np.zeros((48, 48), np.uint8)
    face[23:25, 24:36] = 255
    middle = np.array([6, 0])

    def bars(**changes):
        for image in augmented(face, **changes):
            y, x = np.nonzero(image > 50)
            weights = image[y, x].astype(float)
            spread = np.cov(np.stack([x, y]), aweights=weights)
            yield (
                np.average([x - 23.5, y - 23.5], axis=1, weights=weights),
                spread,
                image.sum() / face.sum(),
            )

    off = np.abs([place * (np.sign(place[0]), 1) - middle for place, _, _ in bars(max_shift=0.1)])
    assert (off.max(axis=0) > 4).all() and (off.max(axis=0) < 4.8 + 0.2).all()
    turned = [
        np.arctan(spread[0, 1] / (spread[0, 0] - spread[1, 1]))
        for _, spread, _ in bars(max_rotation=15)
    ]
    assert 13 < np.degrees(max(turned)) < 17 and -17 < np.degrees(min(turned)) < -13
    sizes = [size for _, _, size in bars(max_zoom=0.15)]
    assert 0.85**2 * 0.9 < min(sizes) < 0.85 and 1.15 < max(sizes) < 1.15**2 * 1.1


def test_augmentation_blurs_adds_noise_and_covers():
    face = np.full((48, 48), 128, np.uint8)
    face[:, 24:] = 255
    blurred = augmented(face, blur_probability=0.5)
    # 127 if nothing is blurred
    steps = np.sort(np.abs(np.diff(blurred.astype(int), axis=2)).max(axis=(1, 2)))
    assert (
        20 < steps[0] < 40
        and 100 < (steps < 126).sum() < 170
        and np.abs(blurred.mean((1, 2)) - 191.5).max() < 1
    )
    noisy = augmented(face, noise_probability=1)
    noise = noisy[:100, 10:20, 5:20].astype(float).std(axis=(1, 2))  # 128 grays, or 255 if mirrored
    assert 15 < noise.max() < 22 and noise.min() < 2
    assert noisy.min() > 20, "no gray value has run over"
    covered = (augmented(np.zeros((48, 48), np.uint8), erase_probability=0.5) > 0).mean(axis=(1, 2))
    assert 100 < (covered == 0).sum() < 200 and 0.1 < covered.max() < 0.25


def test_augmentation_changes_the_light_and_keeps_the_order_of_the_grays():
    face = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (48, 1))
    lit = augmented(face, light_probability=1).astype(int)
    lit = np.where(lit[:, :, :1] > lit[:, :, -1:], lit[:, :, ::-1], lit)  # undo the mirror
    assert (np.diff(lit, axis=2) >= 0).all() and (lit == lit[:, :1]).all()
    means = lit.mean(axis=(1, 2))
    assert means.min() < 80 and means.max() > 160 and (lit[:, 0, 47] > lit[:, 0, 0] + 60).all()
    spread = lit.std(axis=(1, 2)) / face.std()
    assert 0.5 < spread.min() < 0.8 and spread.max() > 1.2


def test_augmentation_casts_shadows_over_one_side():
    shaded = augmented(np.full((48, 48), 200, np.uint8), shadow_probability=1).astype(int)
    assert shaded.max() <= 200 and 0.35 * 200 - 1 <= shaded.min() < 90
    darkest, lightest = shaded.min(axis=(1, 2)), shaded.max(axis=(1, 2))
    assert (lightest - darkest > 60).mean() > 0.2
    rows = np.abs(np.diff(shaded, axis=1)).max(), np.abs(np.diff(shaded, axis=2)).max()
    assert max(rows) < 40, "soft edges"


def test_augmentation_takes_detail_away_adds_it_and_compresses():
    face = np.full((48, 48), 64, np.uint8)
    face[:, 24:] = 192  # a step of 128 gray values
    reduced = augmented(face, reduce_probability=1)
    steps = np.abs(np.diff(reduced.astype(int), axis=2)).max(axis=(1, 2))
    assert 20 < steps.min() < 64 and abs(reduced.mean() - 128) < 1
    sharp = augmented(face, sharpen_probability=1)
    assert sharp.max() > 225 and sharp.min() < 30 and (sharp[:, :, :10] % 128 == 64).all()
    noise = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    off = augmented(noise, jpeg_probability=1)
    off = np.minimum(
        np.abs(off - noise.astype(float)).mean((1, 2)),
        np.abs(off[:, :, ::-1] - noise.astype(float)).mean((1, 2)),
    )
    assert 2 < off.min() < 30 < off.max() < 80


def test_batches_hold_every_face_once_an_epoch_and_resume_where_they_stopped():
    """More faces fill up the last batch. A face's number is its gray value and its target."""
    faces = np.repeat(np.arange(10, dtype=np.uint8), 48 * 48).reshape(10, 48, 48, 1)
    options = {"batch_size": 4, "augmentation": STEADY, "seed": 1}
    ours = [next(batch) for batch in [batches(faces, np.arange(10), **options)] for _ in range(6)]
    assert all(images.shape == (4, 48, 48, 1) for images, _ in ours)
    assert all((images == targets[:, None, None, None]).all() for images, targets in ours)
    first, second = (
        np.concatenate([targets for _, targets in epoch]) for epoch in (ours[:3], ours[3:])
    )
    assert sorted(first[:10]) == sorted(second[:10]) == list(range(10)) and (first != second).any()
    assert (first[10:] == first[:2]).all()
    resumed = next(batches(faces, np.arange(10), **options, epoch=1))
    assert (resumed[1] == ours[3][1]).all()


def test_processes_share_each_batch_of_one():
    """Two processes have the same faces as one. Each process changes them in its own way."""
    faces = np.random.default_rng(0).integers(0, 256, (20, 48, 48, 1), np.uint8)
    options = {"batch_size": 8, "augmentation": Augmentation(), "seed": 1}
    one = batches(faces, np.arange(20), **options)
    two = [batches(faces, np.arange(20), **options, process=n, processes=2) for n in (0, 1)]
    for _ in range(4):
        (first, targets), (second, other) = map(next, two)
        assert (np.concatenate([targets, other]) == next(one)[1]).all()
        assert first.shape == second.shape == (4, 48, 48, 1)


def test_prefetched_batches_are_the_same_and_tell_of_errors():
    def some():
        yield from range(5)
        raise ValueError("broken")

    got = prefetch(some())
    assert [next(got) for _ in range(5)] == list(range(5))
    with pytest.raises(ValueError, match="broken"):
        next(got)
