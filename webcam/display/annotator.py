"""Frames with their faces drawn, each once for all that want it."""

import cv2
import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.layout import Layout
from webcam.display.overlay import draw_faces
from webcam.sources.frame import Frame, Picture

Drawing = tuple[np.ndarray, Layout]  # an image with its faces drawn, and the places that they take


class Annotator:
    """Draws faces into copies of frames, which must not be changed. `bars` may change at any time."""

    def __init__(self, emotions: list[str], bars: bool):
        self.emotions, self.bars = emotions, bars
        self.latest: tuple[Frame | Picture, bool, bool, Drawing] | None = None

    def draw(self, frame: Frame | Picture, faces: list[Face], mirrored: bool = False) -> Drawing:
        """Return a frame with its faces, as in a mirror if asked; drawn anew only if need be."""
        if self.latest:
            latest, *options, drawing = self.latest
            if latest is frame and options == [self.bars, mirrored]:
                return drawing
        image = cv2.flip(frame.image, 1) if mirrored else frame.image.copy()
        placed = [face.mirrored(image.shape[1]) for face in faces] if mirrored else faces
        drawing = image, draw_faces(image, placed, self.emotions, self.bars)
        self.latest = frame, self.bars, mirrored, drawing
        return drawing

    def annotate(self, frame: Frame | Picture, faces: list[Face]) -> np.ndarray:
        """Return a frame's image with its faces drawn."""
        return self.draw(frame, faces)[0]
