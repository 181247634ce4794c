"""Averages over time."""

import numpy as np
import pytest

from webcam.smoothing import ProbabilitySmoother


@pytest.mark.parametrize("rate", [7, 30, 120])
def test_smoothing_takes_its_time_at_any_frame_rate(rate):
    """After the time constant of a new expression, 1 - 1/e of the way from the old one is gone."""
    before, aim = np.float32([1, 0]), np.float32([0, 1])
    smoother = ProbabilitySmoother(0.5)
    smoother.update(1, before, 0.0)
    steps = round(0.5 * rate)
    for step in range(1, steps + 1):
        smoother.update(1, aim, 0.5 * step / steps)
    assert np.allclose(smoother[1], aim + (before - aim) / np.e, atol=1e-4)
    unsmoothed = ProbabilitySmoother(0.0)
    for number, row in enumerate((before, aim)):
        unsmoothed.update(1, row, float(number))
        assert (unsmoothed[1] == row).all()


def test_a_track_that_is_forgotten_starts_anew():
    smoother = ProbabilitySmoother(10.0)
    for track_id in (1, 2):
        smoother.update(track_id, np.float32([1, 0]), 0.0)
    smoother.keep({2})
    for track_id in (1, 2):
        smoother.update(track_id, np.float32([0, 1]), 1.0)
    assert smoother[1].tolist() == [0, 1] and 0.8 < smoother[2][0] < 1
