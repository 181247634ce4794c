"""Evaluate a network: metrics, calibration, corruptions and plots."""
