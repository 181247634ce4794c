"""The window: labels and bars on a frame, keys, the screen."""
