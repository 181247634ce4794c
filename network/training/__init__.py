"""Training: the epochs and their checkpoints. parallel/ uses several devices and processes."""
