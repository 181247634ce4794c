"""Averages over time."""

import numpy as np
import pytest

from webcam.analysis.smoothing import ProbabilitySmoother


@pytest.mark.parametrize("rate", [7, 30, 120])
def test_smoothing_takes_its_time_at_any_frame_rate(rate):
    """After one time constant, the share 1 - 1/e of the old expression is gone."""
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


@pytest.mark.parametrize("likelier, frames", [(0.7, 1), (0.55, 24)])
def test_the_label_changes_at_once_for_a_clear_lead_and_later_for_a_small_one(likelier, frames):
    smoother, shown = ProbabilitySmoother(0.001), []
    for number in range(60):
        first = 1 - likelier if number == 5 or number >= 10 else likelier
        smoother.update(1, np.float32([first, 1 - first]), number / 30)
        shown.append(smoother.label(1))
    changed = 9 + frames
    assert shown[6:changed] == [0] * (changed - 6), "a frame alone, or not for long enough"
    assert shown[changed + 1 :] == [1] * (59 - changed)


def test_a_label_does_not_flicker_between_two_that_are_about_as_likely():
    smoother = ProbabilitySmoother(0.01)
    for number in range(60):
        smoother.update(
            1, np.float32([0.49, 0.51] if number % 20 > 9 else [0.51, 0.49]), number / 30
        )
        assert smoother.label(1) == 0
    unsmoothed = ProbabilitySmoother(0.0)
    for row in ([0.51, 0.49], [0.49, 0.51]):
        unsmoothed.update(1, np.float32(row), 1.0)
        assert unsmoothed.label(1) == int(np.argmax(row)), "0 smooths nothing"
