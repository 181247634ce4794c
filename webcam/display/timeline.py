"""The strip of the last seconds at the bottom of a frame."""

from collections import deque

import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.layout import Rectangle
from webcam.display.shapes import draw_chip
from webcam.display.style import COLORS, base_line

SECONDS = 10.0  # length of the strip
MOST_ROWS = 3  # most faces in the strip
GAP = 0.5  # seconds without a sample after which the strip shows a gap
OPACITY = 0.8


class Timeline:
    """The labels of the last seconds, for each face: `seconds, label, confidence`."""

    def __init__(self) -> None:
        self.samples: dict[int, deque[tuple[float, str, float]]] = {}

    def add(self, faces: list[Face], seconds: float) -> None:
        """Remember the labels of a frame, and drop old ones."""
        for face in faces:
            samples = self.samples.setdefault(face.track_id, deque())
            if not samples or seconds > samples[-1][0]:
                samples.append((seconds, face.label, face.label_confidence))
        for number, samples in list(self.samples.items()):
            while samples and not 0 <= seconds - samples[0][0] <= SECONDS:
                samples.popleft()
            if not samples:
                del self.samples[number]

    def draw(
        self, frame: np.ndarray, faces: list[Face], emotions: list[str], seconds: float
    ) -> Rectangle:
        """Draw a row for each of the largest faces, and return the place of the strip."""
        height, width = frame.shape[:2]
        row = 2 * base_line(frame)
        largest = sorted(faces, key=lambda face: -face.box[2])[:MOST_ROWS]
        shown = sorted(face.track_id for face in largest)
        top = height - row * len(shown)
        times = seconds - SECONDS * (1 - np.arange(width) / width)
        for number, track_id in enumerate(shown):
            band = frame[top + number * row : top + (number + 1) * row]
            band //= 2
            times_of, labels, sure = zip(*self.samples[track_id])
            sample = np.searchsorted(times_of, times, side="right") - 1
            there = (sample >= 0) & (times - np.take(times_of, sample) < GAP)
            colors = np.array([COLORS[emotions.index(x) % len(COLORS)] for x in labels])[sample]
            tops = len(band) - np.round((len(band) - 2) * np.take(sure, sample)) * there
            filled = (np.arange(len(band))[:, None] >= tops)[..., None]
            band[:] = np.where(filled, band + (colors - band) * OPACITY, band)
            if len(shown) > 1:
                line = base_line(frame)
                draw_chip(frame, str(track_id), line // 4, top + number * row + line // 4, line)
        return 0, top, width, height - top
