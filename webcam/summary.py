"""What was seen in all, and how fast."""

import time
from collections import Counter

from webcam.analyzer import Face


class Summary:
    """Counts frames, faces and emotions; measures frames/s, pauses left out."""

    def __init__(self):
        self.frames = 0
        self.emotions = Counter()
        self.seconds = 0.0  # spent on frames
        self.latest: float | None = None  # when the last frame came
        self.interval = 0.0  # seconds between frames, averaged over about ten

    def begin_frame(self) -> None:
        """Note that a frame has come."""
        now = time.monotonic()
        if self.latest is not None:
            elapsed = now - self.latest
            self.interval += (0.1 if self.interval else 1.0) * (elapsed - self.interval)
            self.seconds += elapsed
        self.latest = now

    def add(self, faces: list[Face]) -> None:
        self.frames += 1
        self.emotions.update(face.emotion for face in faces)

    def skip_pause(self) -> None:
        """Leave out the time that passes until the next frame."""
        self.latest = None

    @property
    def rate(self) -> float:
        """Frames/s at the moment, 0 where it is not known yet."""
        return 1 / self.interval if self.interval else 0.0

    def __str__(self) -> str:
        """Return `1,200 frames, 1,180 faces, 30.0 frames/s; neutral 80%, happiness 20%`."""
        faces = self.emotions.total()
        said = f"{self.frames:,} frames, {faces:,} faces"
        if self.seconds and self.frames > 1:
            said += f", {(self.frames - 1) / self.seconds:.1f} frames/s"
        shares = [
            f"{emotion} {count / faces:.0%}" for emotion, count in self.emotions.most_common()
        ]
        return f"{said}; {', '.join(shares)}" if shares else said
