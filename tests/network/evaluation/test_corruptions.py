"""The effect of the corruptions on a face."""

import numpy as np
import pytest

from network.evaluation.corruptions import corrupted


def test_corrupted_faces_are_what_their_names_say():
    faces = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1)).astype(np.uint8)
    faces[0] = np.arange(48, dtype=np.uint8)[None, :, None] * 5
    changed = {name: images for name, _, images in corrupted(faces)}
    darker = next(images for name, _, images in corrupted(faces) if name == "gamma")
    assert all(images.shape == faces.shape for images in changed.values())
    assert np.abs(changed["brightness"] - 0.3 * faces).max() <= 1
    shifts = {
        round(
            np.median(changed["translation"][0, 20, 10:38, 0].astype(int) - faces[0, 20, 10:38, 0])
        )
    }
    assert shifts <= {24, -24}  # 10 % of 48 are 4.8 pixels, of 5 grays each
    assert 10 < (changed["gaussian_noise"].astype(float) - faces)[faces % 200 > 50].std() < 20
    assert (changed["occlusion"] == 127).sum() >= 2 * 16 * 16
    tilted = changed["rotation"][0, :, :, 0].astype(float)
    assert abs(np.polyfit(range(10, 38), tilted[10:38, 24], 1)[0]) == pytest.approx(
        5 * np.sin(np.pi / 12), rel=0.1
    )
    assert np.abs(darker - faces.astype(float) ** 2 / 255).max() <= 1
    assert np.abs(changed["gamma"] - (faces.astype(float) * 255) ** 0.5).max() <= 1
    gray = changed["contrast"].astype(float)
    assert gray[1].std() == pytest.approx(0.3 * faces[1].std(), rel=0.02)
    assert gray[1].mean() == pytest.approx(faces[1].mean(), abs=1)
    ramp, noise = changed["resolution"]
    assert np.abs(ramp[:, 2:46] - faces[0, :, 2:46].astype(float)).max() <= 3
    assert noise.std() < 0.6 * faces[1].std()
    again = {name: images for name, _, images in corrupted(faces)}
    assert all((again[name] == changed[name]).all() for name in changed), "the same at every call"
