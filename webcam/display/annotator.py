"""Drawings of frames with their faces. Each frame is drawn once for all users."""

import cv2
import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.layout import Layout
from webcam.display.overlay import Overlay
from webcam.sources.frame import Frame, Picture

Drawing = tuple[np.ndarray, Layout]  # an image with its faces drawn, and the places that are taken


class Annotator:
    """Draws faces into copies of frames. The frames themselves must not change.

    `bars` and `strip` show the panel and the strip of the overlay. They may change at any time.
    """

    def __init__(self, emotions: list[str], bars: bool):
        self.emotions, self.bars, self.strip = emotions, bars, False
        # Each overlay remembers its places, and a mirrored frame has different ones
        self.overlays = {mirrored: Overlay(emotions) for mirrored in (False, True)}
        self.latest: tuple[Frame | Picture, tuple[bool, ...], Drawing] | None = None

    def draw(self, frame: Frame | Picture, faces: list[Face], mirrored: bool = False) -> Drawing:
        """Return the drawing of a frame and its faces, mirrored if asked. Reuse the latest one."""
        options = self.bars, self.strip, mirrored
        if self.latest and self.latest[0] is frame and self.latest[1] == options:
            return self.latest[2]
        image = cv2.flip(frame.image, 1) if mirrored else frame.image.copy()
        placed = [face.mirrored(image.shape[1]) for face in faces] if mirrored else faces
        picture = isinstance(frame, Picture)
        overlay = Overlay(self.emotions) if picture else self.overlays[mirrored]
        overlay.bars, overlay.strip = self.bars, self.strip
        seconds = None if isinstance(frame, Picture) else frame.seconds
        drawing = image, overlay.draw(image, placed, seconds)
        self.latest = frame, options, drawing
        return drawing

    def annotate(self, frame: Frame | Picture, faces: list[Face]) -> np.ndarray:
        """Return a frame's image with its faces drawn."""
        return self.draw(frame, faces)[0]
