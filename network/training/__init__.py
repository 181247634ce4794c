"""Training: the epochs and their checkpoint; in parallel/ several devices and processes."""
