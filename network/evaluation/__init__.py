"""How good a network is: metrics, calibration, corruptions, plots."""
