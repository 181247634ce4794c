"""The calibration error, and the bonus for rare emotions."""

import numpy as np
import pytest

from network.evaluation.calibration import (
    adjustment_curve,
    calibrated,
    calibration_error,
    choose_adjustment,
    fit_temperature,
    softmax,
)


def test_calibration_error_of_four_faces():
    """Two faces have 0.9, and half are right: 0.4 off. Two have 0.55 and are right: 0.45 off."""
    truth, predicted = np.array(["a", "b", "a", "a"]), np.array(["a", "a", "a", "a"])
    error, bins = calibration_error(truth, np.array([0.9, 0.9, 0.55, 0.55]), predicted)
    assert error == pytest.approx((2 * 0.4 + 2 * 0.45) / 4)
    assert [n for n, _, _ in bins] == [2, 2]


@pytest.mark.parametrize("faces", [10, 30, 3000])
def test_a_few_faces_that_are_all_named_right_make_no_certainty(faces):
    """One label is added and shared among three emotions, so the share is n + 1/3 of n + 1."""
    probabilities = np.tile([0.6, 0.2, 0.2], (faces, 1))
    temperature = fit_temperature(probabilities, [0] * faces)
    named = calibrated(probabilities, np.zeros(3), temperature)[0, 0]
    assert named == pytest.approx((faces + 1 / 3) / (faces + 1), abs=0.003)


def test_balance_names_the_rare_emotion_where_it_is_nearly_the_likeliest():
    """The shares are 0.9 and 0.1. The second face is right from ln(0.55 / 0.45) / ln(9) = 0.09 on."""
    probabilities = np.array([[0.9, 0.1], [0.55, 0.45], [0.75, 0.25]])
    curve = adjustment_curve(probabilities, np.array([0, 1, 0]), np.array([0.9, 0.1]), ["a", "b"])
    by_strength = {point["strength"]: point for point in curve}
    assert by_strength[0]["accuracy"] == pytest.approx(2 / 3)
    assert by_strength[0]["macro_recall"] == pytest.approx(1 / 2)
    assert by_strength[0.05] == {**by_strength[0], "strength": 0.05}
    assert by_strength[0]["recall"] == {"a": 1, "b": 0}
    both = {"a": 1, "b": 1}
    assert by_strength[0.1] == {"strength": 0.1, "accuracy": 1, "macro_recall": 1, "recall": both}
    assert by_strength[0.5]["accuracy"] == pytest.approx(1)
    # The third face has 3 to 1: ln(3) / ln(9) = 0.5
    assert by_strength[0.55]["accuracy"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("n, strength", [(100, 0.1), (99, 0)])
def test_the_balance_chosen_costs_at_most_a_point_which_few_faces_cannot_show(n, strength):
    curve = [(0, 0.9, 0.7), (0.1, 0.8901, 0.75), (0.2, 0.8899, 0.8), (0.3, 0.91, 0.74)]
    names = ("strength", "accuracy", "macro_recall")
    assert choose_adjustment([dict(zip(names, point)) for point in curve], n) == strength


def test_calibrated_are_the_logits_less_offsets_divided_by_the_temperature():
    logits = np.random.default_rng(0).normal(size=(5, 3))
    offsets = np.array([1, -2, 0.5])

    changed = calibrated(softmax(logits), offsets, 0.6)
    assert changed == pytest.approx(softmax((logits - offsets) / 0.6))
