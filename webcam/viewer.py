"""What a user sees in the window and does with the keys."""

import math
import os
import time
from pathlib import Path

import cv2
import numpy as np

from webcam.analyzer import Face
from webcam.overlay import arrange, draw_faces, draw_notes
from webcam.recorder import VideoRecorder
from webcam.window import Window
from webcam.writers import ImageWriter, stamped, write_image

KEYS = {
    "q, Esc": "quit",
    "space": "pause, go on",
    "s": "snapshot",
    "m": "mirror",
    "b": "bars",
    "r": "record, stop",
    "h": "this help",
}
SILENT_SECONDS = 1.0  # without a picture from the camera, after which the window says so


class Viewer:
    """Shows annotated frames, obeys the keys, and starts and stops recordings.

    `frame_seconds` is how long a frame is shown: 0 for a camera, infinite for a picture. The mirror
    of the `m` key is that of the window and its snapshots alone; a recording gets the frames as
    they were analyzed.
    """

    active = True  # frames are wanted

    def __init__(
        self,
        window: Window,
        output: VideoRecorder | ImageWriter,
        emotions: list[str],
        bars: bool,
        frame_seconds: float,
    ):
        self.window, self.output, self.emotions, self.bars = window, output, emotions, bars
        self.frame_seconds = frame_seconds
        self.quit = self.paused = self.mirrored = self.help = False
        self.note, self.noted = "", 0.0  # a note, and until when it is shown
        self.picture: np.ndarray | None = None  # the frame without annotations
        self.faces: list[Face] = []
        self.latest: float | None = None  # when the last frame came
        self.rate = 0.0  # frames/s, shown when above 0
        self.written: list[Path] = []

    def show(
        self, picture: np.ndarray, annotated: np.ndarray, faces: list[Face], rate: float
    ) -> bool:
        """Show a frame as long as it lasts, a picture or a paused frame until space is pressed.

        `annotated` is `picture` with its `faces` drawn, and is drawn upon. Returns whether there
        was a pause.
        """
        self.picture, self.faces, self.rate, self.latest = picture, faces, rate, time.monotonic()
        self.paused = self.paused or math.isinf(self.frame_seconds)
        plays = self.frame_seconds and not self.paused
        wait = self.window.pace(self.frame_seconds) if plays else 0.0
        return self.interact(wait, None if self.mirrored else annotated)

    def wait_for_frame(self) -> bool:
        """Show the last frame while a camera has no new one; return whether there was a pause."""
        if self.picture is None:
            self.say("waiting for the camera", 0.2)
        elif self.latest is not None and time.monotonic() - self.latest > SILENT_SECONDS:
            self.say("no picture from the camera; trying again", 0.2)
        return self.interact(0.0, None)

    def interact(self, wait: float, annotated: np.ndarray | None) -> bool:
        """Show and obey the keys for `wait` seconds, or until a pause ends.

        `annotated` is the picture to show first, None to draw it. Returns whether it was paused.
        """
        paused = False
        while True:
            self.refresh(self.draw() if annotated is None else annotated)
            annotated = None  # from now on drawn anew: a key may change what is drawn
            self.press(self.window.key(0.05 if self.paused else wait))
            if self.quit or not self.paused:
                return paused
            paused, self.latest = True, None
            self.output.skip_pause()

    def draw(self) -> np.ndarray:
        """Return the last frame with its faces, as in a mirror where that was asked for."""
        if self.picture is None:
            return np.zeros((480, 640, 3), np.uint8)
        picture = self.picture.copy()
        if self.mirrored:
            picture = cv2.flip(picture, 1)
        draw_faces(picture, self.shown_faces(picture), self.emotions, self.bars)
        return picture

    def shown_faces(self, picture: np.ndarray) -> list[Face]:
        """Return the faces as they lie in the picture that is shown."""
        if not self.mirrored:
            return self.faces
        return [face.mirrored(picture.shape[1]) for face in self.faces]

    def refresh(self, picture: np.ndarray) -> None:
        """Show a picture with what the window has to say."""
        moving = not math.isinf(self.frame_seconds)
        lines = [f"{self.rate:.0f} frames/s"] if self.rate and moving else []
        if self.output.active and moving:
            lines.append("recording")
        if time.monotonic() < self.noted:
            lines.append(self.note)
        if self.paused:
            lines.append("paused")
        if self.help:
            lines += [f"{key}: {what}" for key, what in KEYS.items()]
        faces = self.shown_faces(picture)
        draw_notes(picture, lines, arrange(picture, faces, self.emotions, self.bars).layout)
        self.window.show(picture)

    def say(self, note: str, seconds: float = 2.0) -> None:
        """Show a note for some seconds."""
        self.note, self.noted = note, time.monotonic() + seconds

    def press(self, key: str) -> None:
        """Do what a key of KEYS says."""
        if key in ("q", "\x1b"):
            self.quit = True
        elif key == " ":
            self.paused = not self.paused
        elif key == "b":
            self.bars = not self.bars
        elif key == "h":
            self.help = not self.help
        elif key == "m":
            self.mirrored = not self.mirrored
        elif key in ("s", "r") and self.picture is not None:
            self.save(key)

    def save(self, key: str) -> None:
        """Take a snapshot, or start or stop a recording."""
        if not os.access(".", os.W_OK):
            self.say("this folder can't be written into")
        elif key == "s":
            path = stamped("snapshot", ".png")
            write_image(path, self.draw())
            self.written.append(path)
            self.say(f"wrote {path}")
        elif isinstance(self.output, VideoRecorder):
            if not self.output.active:
                self.output.start(stamped("recording", ".mp4"))
            elif path := self.output.stop():
                self.say(f"wrote {path}")


class NoViewer:
    """Stands in for the viewer where there is no window."""

    active = quit = False

    def __init__(self, bars: bool):
        self.bars = bars
        self.written: list[Path] = []

    def show(
        self, picture: np.ndarray, annotated: np.ndarray, faces: list[Face], rate: float
    ) -> bool:
        """Show nothing; there was no pause."""
        return False

    def wait_for_frame(self) -> bool:
        """Show nothing; there was no pause."""
        return False
