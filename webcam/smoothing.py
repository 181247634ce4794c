"""Averages over time that are the same at any frame rate."""

import math

import numpy as np


def ema_weight(elapsed: float, time_constant: float) -> float:
    """Return the weight of a new value in an exponential moving average, both times in seconds.

    The weight follows from the time that has passed, not from the number of frames. A time constant
    of 0 gives 1.
    """
    return 1 - math.exp(-max(elapsed, 0.0) / time_constant) if time_constant > 0 else 1.0


class ProbabilitySmoother:
    """The exponential moving average of each track's probabilities."""

    def __init__(self, time_constant: float):
        self.time_constant = time_constant  # seconds
        # Track id: smoothed probabilities, their time
        self.latest: dict[int, tuple[np.ndarray, float]] = {}

    def update(self, track_id: int, probabilities: np.ndarray, seconds: float) -> None:
        """Take in what the network says of a track, float32 (emotions,), at `seconds`."""
        if track_id in self.latest:
            old, before = self.latest[track_id]
            weight = ema_weight(seconds - before, self.time_constant)
            probabilities = old + weight * (probabilities - old)
        self.latest[track_id] = (probabilities, seconds)

    def keep(self, track_ids: set[int]) -> None:
        """Forget all other tracks."""
        self.latest = {n: known for n, known in self.latest.items() if n in track_ids}

    def __getitem__(self, track_id: int) -> np.ndarray:
        """Return a track's smoothed probabilities, float32 (emotions,)."""
        return self.latest[track_id][0]
