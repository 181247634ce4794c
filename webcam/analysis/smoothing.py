"""Smooth values over time, independent of the frame rate."""

import math

import numpy as np

# A new label replaces the shown one when it leads by LEAD (probability), or by less for
# LEAD_SECONDS. benchmarks/smoothing.py chose these values together with the average's 0.2 s
LEAD = 0.3
LEAD_SECONDS = 0.8


def ema_weight(elapsed: float, time_constant: float) -> float:
    """Return the weight of a new value in an exponential moving average. Times are in seconds."""
    return 1 - math.exp(-max(elapsed, 0.0) / time_constant) if time_constant > 0 else 1.0


class ProbabilitySmoother:
    """Keeps an exponential moving average of each track's probabilities, and a steady label.

    The label changes at once when another emotion leads by `lead`, and after `lead_seconds` when it
    leads by less. So it does not flicker between two emotions that are about equally likely, but
    soon follows the probabilities. With a time constant of 0, neither is smoothed.
    """

    def __init__(
        self, time_constant: float, lead: float = LEAD, lead_seconds: float = LEAD_SECONDS
    ):
        self.time_constant = time_constant  # seconds
        self.lead, self.lead_seconds = lead, lead_seconds
        # By track id
        self.latest: dict[int, tuple[np.ndarray, float]] = {}  # smoothed probabilities and time
        self.labels: dict[int, tuple[int, float | None]] = {}  # label, start of another's lead

    def update(self, track_id: int, probabilities: np.ndarray, seconds: float) -> None:
        """Add a track's probabilities at `seconds`, float32 (emotions,)."""
        if track_id in self.latest:
            old, before = self.latest[track_id]
            weight = ema_weight(seconds - before, self.time_constant)
            probabilities = old + weight * (probabilities - old)
        self.latest[track_id] = (probabilities, seconds)
        self.labels[track_id] = self._choose_label(track_id, probabilities, seconds)

    def _choose_label(
        self, track_id: int, probabilities: np.ndarray, seconds: float
    ) -> tuple[int, float | None]:
        likeliest = int(probabilities.argmax())
        shown, since = self.labels.get(track_id, (likeliest, None))
        if likeliest == shown or self.time_constant <= 0:
            return likeliest, None
        since = seconds if since is None else since
        leads = probabilities[likeliest] - probabilities[shown] >= self.lead
        late = seconds - since >= self.lead_seconds
        return (likeliest, None) if leads or late else (shown, since)

    def keep(self, track_ids: set[int]) -> None:
        """Forget all other tracks."""
        self.latest = {n: known for n, known in self.latest.items() if n in track_ids}
        self.labels = {n: known for n, known in self.labels.items() if n in track_ids}

    def waited(self, track_id: int, seconds: float) -> float:
        """Return the seconds since a track's last update, or infinity if it had none."""
        return seconds - self.latest[track_id][1] if track_id in self.latest else math.inf

    def label(self, track_id: int) -> int:
        """Return the index of a track's label among the emotions."""
        return self.labels[track_id][0]

    def __getitem__(self, track_id: int) -> np.ndarray:
        """Return a track's smoothed probabilities, float32 (emotions,)."""
        return self.latest[track_id][0]
