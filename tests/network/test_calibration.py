"""The calibration error."""

import numpy as np
import pytest

from network.calibration import calibration_error


def test_calibration_error_of_four_faces():
    """Sure by 0.9 and right in half: 0.4 off; sure by 0.55 and right: 0.45 off."""
    truth, predicted = np.array(["a", "b", "a", "a"]), np.array(["a", "a", "a", "a"])
    error, bins = calibration_error(truth, np.array([0.9, 0.9, 0.55, 0.55]), predicted)
    assert error == pytest.approx((2 * 0.4 + 2 * 0.45) / 4)
    assert [n for n, _, _ in bins] == [2, 2]
