"""Frames with their faces drawn, each once for all that want it."""

from dataclasses import dataclass

import cv2
import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.layout import Layout
from webcam.display.overlay import draw_faces
from webcam.sources.frame import Frame, Picture


@dataclass(frozen=True)
class Drawing:
    """A frame's image with its faces drawn, and the places that they and their labels take."""

    image: np.ndarray
    layout: Layout
    frame: Frame | Picture
    bars: bool
    mirrored: bool


class Annotator:
    """Draws faces into copies of frames. `bars` may change at any time."""

    def __init__(self, emotions: list[str], bars: bool):
        self.emotions, self.bars = emotions, bars
        self.latest: Drawing | None = None

    def draw(self, frame: Frame | Picture, faces: list[Face], mirrored: bool = False) -> Drawing:
        """Return a frame with its faces, as in a mirror if asked; drawn anew only if need be."""
        latest = self.latest
        if (
            latest
            and latest.frame is frame
            and (latest.bars, latest.mirrored) == (self.bars, mirrored)
        ):
            return latest
        image = cv2.flip(frame.image, 1) if mirrored else frame.image.copy()
        placed = [face.mirrored(image.shape[1]) for face in faces] if mirrored else faces
        layout = draw_faces(image, placed, self.emotions, self.bars)
        self.latest = Drawing(image, layout, frame, self.bars, mirrored)
        return self.latest

    def annotate(self, frame: Frame | Picture, faces: list[Face]) -> np.ndarray:
        """Return a frame's image with its faces drawn; it must not be changed."""
        return self.draw(frame, faces).image
