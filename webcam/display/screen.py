"""What the window shows: a frame with its faces, as in a mirror if asked, and lines of text."""

import time

import cv2
import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.overlay import arrange, draw_faces, draw_notes
from webcam.display.window import Window
from webcam.sources.frame import Frame, Picture


class Screen:
    """Draws what the window shows.

    `bars` and `mirrored` may change at any time: they are how frames are drawn from then on.
    """

    def __init__(self, window: Window, emotions: list[str], bars: bool):
        self.window, self.emotions, self.bars, self.mirrored = window, emotions, bars, False
        self.note, self.noted = "", 0.0  # and until when it is shown, by time.monotonic()

    def draw(self, frame: Frame | Picture | None, faces: list[Face]) -> np.ndarray:
        """Return a frame's picture with its faces; a black one where there is no frame yet."""
        if frame is None:
            return np.zeros((480, 640, 3), np.uint8)
        picture = cv2.flip(frame.image, 1) if self.mirrored else frame.image.copy()
        draw_faces(picture, self.placed(faces, picture), self.emotions, self.bars)
        return picture

    def placed(self, faces: list[Face], picture: np.ndarray) -> list[Face]:
        """Return faces as they lie in the picture that is shown."""
        return [face.mirrored(picture.shape[1]) for face in faces] if self.mirrored else faces

    def show(self, picture: np.ndarray, faces: list[Face], lines: list[str]) -> None:
        """Show what `draw` made, and lines where they cover no face."""
        if time.monotonic() < self.noted:
            lines = [*lines, self.note]
        taken = arrange(picture, self.placed(faces, picture), self.emotions, self.bars)
        draw_notes(picture, lines, taken.layout)
        self.window.show(picture)

    def say(self, note: str, seconds: float = 2.0) -> None:
        """Show a note for some seconds."""
        self.note, self.noted = note, time.monotonic() + seconds
