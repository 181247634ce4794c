"""Summarise the faces and the speed of a run."""

import time
from collections import Counter

from common.console import plural
from common.errors import printable
from webcam.analysis.analyzer import Face
from webcam.outputs.sink import Sink


class Summary:
    """Counts frames, faces and emotions, and measures frames/s without pauses.

    `unit` is "frame" or "picture".
    """

    def __init__(self, unit: str = "frame"):
        self.unit = unit
        self.frames = 0
        self.first: list[Face] = []  # faces of the first frame
        self.emotions: Counter[str] = Counter()
        self.seconds = 0.0  # time spent on frames
        self.latest: float | None = None  # when the last frame came
        self.interval = 0.0  # seconds between frames, averaged over about ten frames

    def begin_frame(self) -> None:
        """Record that a frame has arrived."""
        now = time.perf_counter()
        if self.latest is not None:
            elapsed = now - self.latest
            self.interval += (0.1 if self.interval else 1.0) * (elapsed - self.interval)
            self.seconds += elapsed
        self.latest = now

    def add(self, faces: list[Face]) -> None:
        if not self.frames:
            self.first = faces
        self.frames += 1
        self.emotions.update(face.label for face in faces)

    def skip_pause(self) -> None:
        """Leave out the time until the next frame."""
        self.latest = None

    @property
    def rate(self) -> float:
        """Return the current frames/s, or 0 if it is not known yet."""
        return 1 / self.interval if self.interval else 0.0

    def __str__(self) -> str:
        """Return `1,200 frames, 980 faces, 30.0 frames/s; 80% of the faces neutral, 20% happiness`.

        For one picture return `1 picture, 1 face: happiness 99%`. There the number is a confidence.
        """
        faces = self.emotions.total()
        said = f"{plural(self.frames, self.unit)}, {plural(faces, 'face')}"
        if self.frames == 1 and faces:
            named = [f"{face.emotion} {face.confidence:.0%}" for face in self.first]
            return f"{said}: {', '.join(named)}"
        if self.seconds and self.frames > 1:
            said += f", {(self.frames - 1) / self.seconds:.1f} {self.unit}s/s"
        shares = [f"{percent(n / faces)} {emotion}" for emotion, n in self.emotions.most_common()]
        if shares:
            shares[0] = shares[0].replace("%", "% of the faces")
            said += f"; {', '.join(shares)}"
        return said


def percent(share: float) -> str:
    """Return a share as `12%`, or as `<1%` instead of `0%`."""
    return f"{share:.0%}" if share > 0.005 else "<1%"


def print_results(summary: Summary, sinks: list[Sink]) -> None:
    """Print the summary, the written files, and any notes."""
    print(summary)
    for line in (line for sink in sinks for line in sink.report()):
        print(printable(f"wrote {line}"))
    for note in (note for sink in sinks for note in sink.notes):
        print(note)
