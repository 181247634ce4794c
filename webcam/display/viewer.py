"""What a user sees in the window and does with the keys."""

import os
import time
from pathlib import Path

import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.screen import Screen
from webcam.outputs.collector import Collector
from webcam.outputs.files import stamped
from webcam.outputs.images import ImageWriter, write_image
from webcam.outputs.video import VideoRecorder
from webcam.sources.frame import Frame, Picture

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

    The frames of a `live` source are shown as they come, a video's at their times, and pictures
    until space is pressed. The mirror of the `m` key is that of the window and its snapshots alone;
    a recording gets the frames as they were analyzed.
    """

    active = True  # frames are wanted

    def __init__(
        self,
        screen: Screen,
        output: VideoRecorder | ImageWriter,
        collector: Collector,
        live: bool,
        collecting: bool,
    ):
        self.screen, self.output, self.live, self.collector = screen, output, live, collector
        self.collecting = collecting  # shows all the time which key saves a face as which emotion
        self.quit = self.paused = self.help = False
        self.frame: Frame | Picture | None = None  # as it came
        self.faces: list[Face] = []
        self.latest: float | None = None  # when the last frame came
        self.late = 0.0  # seconds by which a video is shown after its time, by time.monotonic()
        self.rate = 0.0  # frames/s, shown when above 0
        self.written: list[Path] = []

    @property
    def bars(self) -> bool:
        """Whether the probabilities of all emotions are drawn."""
        return self.screen.bars

    def show(
        self, frame: Frame | Picture, annotated: np.ndarray, faces: list[Face], rate: float
    ) -> bool:
        """Show a frame at its time, a picture or a paused frame until space is pressed.

        `annotated` is the frame's picture with its `faces` drawn. Returns whether there was a pause.
        """
        paused = self.wait_until(frame.seconds if isinstance(frame, Frame) else None)
        self.frame, self.faces, self.rate, self.latest = frame, faces, rate, time.monotonic()
        self.paused = self.paused or self.still
        if self.output.active:  # which keeps it
            annotated = annotated.copy()
        return self.interact(None if self.screen.mirrored else annotated) or paused

    @property
    def still(self) -> bool:
        """Whether what is shown is a picture, not part of a video."""
        return isinstance(self.frame, Picture)

    def wait_until(self, seconds: float | None) -> bool:
        """Show the last frame of a video until a time of its own; return whether it was paused."""
        if self.live or seconds is None:
            return False
        # No frame is left out: where they take longer than their time, the video plays slower
        now, paused = time.monotonic(), False
        if self.frame is None:  # the first one
            self.late = now - seconds
        self.late = max(self.late, now - seconds)
        while not self.quit and (left := self.late + seconds - time.monotonic()) > 0.001:
            if key := self.screen.window.key(left):
                self.press(key)
                if self.interact(None):
                    paused, self.late = True, time.monotonic() - seconds
        return paused

    def wait_for_frame(self) -> bool:
        """Show the last frame while a camera has no new one; return whether there was a pause."""
        if self.frame is None:
            self.screen.say("waiting for the camera", 0.2)
        elif self.latest is not None and time.monotonic() - self.latest > SILENT_SECONDS:
            self.screen.say("no picture from the camera; trying again", 0.2)
        return self.interact(None)

    def interact(self, annotated: np.ndarray | None) -> bool:
        """Show and obey a key, or all until a pause ends.

        `annotated` is the picture to show first, None to draw it. Returns whether it was paused.
        """
        paused = False
        while True:
            if annotated is None:
                annotated = self.screen.draw(self.frame, self.faces)
            self.screen.show(annotated, self.faces, self.lines)
            annotated = None  # from now on drawn anew: a key may change what is drawn
            self.press(self.screen.window.key(0.05 if self.paused else 0.0))
            if self.quit or not self.paused:
                return paused
            paused, self.latest = True, None
            self.output.skip_pause()

    @property
    def lines(self) -> list[str]:
        """What the window has to say."""
        lines = []
        if self.still:
            lines.append("q: quit" if self.frame.last else "space: next picture, q: quit")
        else:
            lines += [f"{self.rate:.0f} frames/s"] if self.rate else []
            lines += ["recording"] if self.output.active else []
            lines += ["paused"] if self.paused else []
        if self.help:
            lines += [f"{key}: {what}" for key, what in KEYS.items()]
        if self.help or self.collecting:
            counts = self.collector.counts
            lines += [f"{key}: {name} {counts[name]}" for key, name in self.collector.keys.items()]
        return lines

    def press(self, key: str) -> None:
        """Do what a key of KEYS says; 1 to 9 save a face."""
        if key in ("q", "\x1b"):
            self.quit = True
        elif key == " " and not (self.still and self.frame.last):
            self.paused = not self.paused
        elif key == "b":
            self.screen.bars = not self.screen.bars
        elif key == "h":
            self.help = not self.help
        elif key == "m":
            self.screen.mirrored = not self.screen.mirrored
        elif key in ("s", "r") and self.frame is not None:
            self.save(key)
        elif key in self.collector.keys and self.frame is not None:
            self.collect(self.collector.keys[key])

    def save(self, key: str) -> None:
        """Take a snapshot, or start or stop a recording."""
        if not os.access(".", os.W_OK):
            self.screen.say("this folder can't be written into")
        elif key == "s":
            self.snapshot()
        elif isinstance(self.output, VideoRecorder):
            if not self.output.active:
                self.output.start(stamped("recording", ".mp4"))
            elif path := self.output.stop():
                self.screen.say(f"wrote {path}")

    def snapshot(self) -> None:
        """Save what is shown."""
        path = stamped("snapshot", ".png")
        try:
            write_image(path, self.screen.draw(self.frame, self.faces))
        except OSError as error:
            self.screen.say(f"not saved: {error.strerror}")
        else:
            self.written.append(path)
            self.screen.say(f"wrote {path}")

    def collect(self, emotion: str) -> None:
        """Save the largest face as an example of an emotion."""
        try:
            saved = self.collector.save(self.frame, self.faces, emotion)
            self.screen.say(f"saved as {emotion}" if saved else "no face to save")
        except OSError as error:
            self.screen.say(f"not saved: {self.collector.folder}: {error.strerror}")


class NoViewer:
    """Stands in for the viewer where there is no window."""

    active = quit = False

    def __init__(self, bars: bool):
        self.bars = bars
        self.written: list[Path] = []

    def show(
        self, frame: Frame | Picture, annotated: np.ndarray, faces: list[Face], rate: float
    ) -> bool:
        """Show nothing; there was no pause."""
        return False

    def wait_for_frame(self) -> bool:
        """Show nothing; there was no pause."""
        return False

    def wait_until(self, seconds: float | None) -> bool:
        """Show nothing; there was no pause."""
        return False
