"""The window as a user sees it, and its keys."""

import os
import time
from typing import Protocol

from webcam.analysis.analyzer import Face, FaceAnalyzer, largest
from webcam.display.annotator import Annotator
from webcam.display.letters import drawn_names
from webcam.outputs.collector import Collector
from webcam.outputs.files import stamped
from webcam.outputs.images import write_image
from webcam.outputs.sink import Sink
from webcam.outputs.summary import Summary
from webcam.outputs.video import VideoRecorder
from webcam.sources.frame import Frame, Picture

KEYS = {
    "q, Esc": "quit",
    "space": "pause, resume",
    "s": "snapshot",
    "m": "mirror",
    "b": "bars",
    "t": "the last 10 seconds",
    "r": "record, stop",
    "n": "this is my neutral face",
    "f": "forget neutral faces",
    "u": "undo the last saved face",
    "h": "this help",
}
HINT_SECONDS = 8.0
SILENT_SECONDS = 1.0  # without a frame from the camera, after which the window shows a note


class Quit(Exception):
    """The user wants to stop."""


class Screen(Protocol):
    """The screen that shows a viewer's frames and reads its keys."""

    def show(self, viewer: "Viewer") -> None:
        """Show the viewer's frame, faces and lines."""

    def key(self, seconds: float) -> str:
        """Return the key pressed within `seconds`, or ""."""


class Viewer(Sink):
    """Shows annotated frames, obeys the keys, and starts and stops the recordings of `recorder`.

    A camera shows its newest frame. A video plays at its own speed. Pictures wait for `space`. The
    `m` key mirrors the window and its snapshots, but no recording. With `collecting` the window
    always lists the keys that save a face, with their emotions. Raises Quit.
    """

    def __init__(
        self,
        screen: Screen,
        annotator: Annotator,
        summary: Summary,
        recorder: VideoRecorder | None,
        collector: Collector,
        collecting: bool,
        analyzer: FaceAnalyzer,
    ):
        super().__init__()
        self.screen, self.annotator, self.summary = screen, annotator, summary
        self.recorder, self.collector, self.collecting = recorder, collector, collecting
        self.analyzer = analyzer
        # Names that OpenCV can't draw, and the numbers that stand for them
        names = collector.emotions
        self.numbered = [pair for pair in zip(names, drawn_names(names)) if pair[0] != pair[1]]
        self.learning: int | None = None  # number of the face that is being learned at rest
        self.mirrored = self.paused = self.help = self.ended = False
        self.frame: Frame | Picture | None = None  # the frame on the screen
        self.faces: list[Face] = []
        # Times by time.perf_counter():
        self.latest: float | None = None  # when the frame arrived; None after a pause
        self.late = 0.0  # delay of a video behind its own time
        self.note, self.noted = "", 0.0  # the note, and when it disappears

    def write(self, frame: Frame | Picture, faces: list[Face]) -> None:
        """Show a frame at its time. A picture or a paused frame stays until `space` is pressed."""
        if isinstance(frame, Picture):
            self.paused = True
        elif not frame.clock:  # not from a camera
            self.wait_until(frame.seconds)
        self.frame, self.faces, self.latest = frame, faces, time.perf_counter()
        self.follow_learning()
        self.interact()

    def wait_until(self, seconds: float) -> None:
        """Show the last frame of a video until the time of the next one."""
        # Every frame is shown, so a slow computer plays the video slower
        now = time.perf_counter()
        self.late = now - seconds if self.frame is None else max(self.late, now - seconds)
        while (left := self.late + seconds - time.perf_counter()) > 0.001:
            if key := self.screen.key(left):
                self.press(key)
                if self.interact():
                    self.late = time.perf_counter() - seconds

    def idle(self) -> None:
        """Show the last frame while a camera has no new one."""
        if self.frame is None:
            self.say("waiting for the camera", 0.2)
        elif self.latest is not None and time.perf_counter() - self.latest > SILENT_SECONDS:
            self.say("no picture from the camera; trying again", 0.2)
        self.interact()

    def end(self, seconds: float | None) -> None:
        """Show the last frame for its duration."""
        if seconds is not None:
            self.wait_until(seconds)

    def hold(self) -> None:
        """Show the last frame until the user quits."""
        self.ended = True
        while True:
            self.screen.show(self)
            self.press(self.screen.key(0.05))

    def interact(self) -> bool:
        """Show the frame and obey a key, or all keys until a pause ends.

        Return whether it was paused.
        """
        paused = False
        while True:
            self.screen.show(self)
            self.press(self.screen.key(0.05 if self.paused else 0.0))
            if not self.paused:
                break
            paused, self.latest = True, None
        if paused:
            self.summary.skip_pause()
            if self.recorder:
                self.recorder.skip_pause()
        return paused

    @property
    def lines(self) -> list[str]:
        """The lines of text in the window."""
        lines = []
        if isinstance(self.frame, Picture):
            lines.append("q: quit" if self.frame.last else "space: next picture, q: quit")
        elif self.ended:
            lines.append("the end, q: quit")
        else:
            rate = self.summary.rate
            lines += [f"{rate:.{0 if rate >= 10 else 1}f} frames/s"] if rate else []
            lines += ["recording"] if self.recorder and self.recorder.active else []
            lines += ["paused"] if self.paused else []
        if self.help:
            lines += [f"{key}: {what}" for key, what in KEYS.items()]
        if self.help or self.collecting:
            counts = self.collector.counts
            lines += [f"{key}: {name} {counts[name]}" for key, name in self.collector.keys.items()]
        lines += [self.current_note] if self.current_note else []
        for name, drawn in self.numbered:
            lines = [line.replace(name, drawn) for line in lines]
        return lines

    @property
    def current_note(self) -> str:
        """The present note, or ""."""
        return self.note if time.perf_counter() < self.noted else ""

    def say(self, note: str, seconds: float = 2.0) -> None:
        """Show a note for some seconds."""
        self.note, self.noted = note, time.perf_counter() + seconds

    def warn(self, hint: str) -> None:
        """Show a hint long enough to read it."""
        self.say(hint, HINT_SECONDS)

    def press(self, key: str) -> None:
        """Do what a key of KEYS says. The keys 1 to 9 save a face."""
        frame = self.frame
        if key in ("q", "\x1b"):
            raise Quit
        if key == " " and not (isinstance(frame, Picture) and frame.last):
            self.paused = not self.paused
        elif key == "b":
            self.annotator.bars = not self.annotator.bars
        elif key == "t":
            self.annotator.strip = not self.annotator.strip
        elif key == "h":
            self.help = not self.help
        elif key == "m":
            self.mirrored = not self.mirrored
        elif frame is None:
            return
        elif key in ("s", "r") and not os.access(".", os.W_OK):
            self.say("can't write to this folder")
        elif key == "s":
            self.snapshot(frame)
        elif key == "r" and self.recorder:
            self.record(self.recorder)
        elif key == "n":
            self.learn(frame)
        elif key == "f":
            self.analyzer.baselines.forget()
            self.say("neutral faces forgotten")
        elif key in self.collector.keys:
            self.collect(frame, self.collector.keys[key])
        elif key == "u":
            self.undo()

    def learn(self, frame: Frame | Picture) -> None:
        """Learn the largest face at rest, from the picture or over the next second."""
        baselines, face = self.analyzer.baselines, largest(self.faces)
        if baselines.neutral is None:
            self.say("this network has no neutral")
        elif face is None:
            self.say("no face to learn")
        elif isinstance(frame, Picture):
            _, rows = self.analyzer.classify_picture(frame.image)
            baselines.learn_pictures(rows[face.track_id - 1 : face.track_id])
            self.say("neutral face learned for the next pictures")
        else:
            baselines.learn(face.track_id)
            self.learning = face.track_id
            self.say("learning: keep a neutral face for a second")

    def follow_learning(self) -> None:
        """Show a note if the face has been learned or is gone."""
        if self.learning is None:
            return
        if self.learning not in {face.track_id for face in self.faces}:
            self.say("face lost; press n again")
        elif self.analyzer.baselines.knows(self.learning):
            self.say("neutral face learned")
        else:
            return
        self.learning = None

    def snapshot(self, frame: Frame | Picture) -> None:
        """Save the image that is shown."""
        path = stamped("snapshot", ".png")
        try:
            write_image(path, self.annotator.draw(frame, self.faces, self.mirrored)[0])
        except OSError as error:
            self.say(f"not saved: {error.strerror}")
        else:
            self.written.append(path)
            self.say(f"wrote {path}")

    def record(self, recorder: VideoRecorder) -> None:
        """Start or stop a recording."""
        if not recorder.active:
            recorder.start(stamped("recording", ".mkv"))
        elif path := recorder.stop():
            self.say(f"wrote {path}")

    def collect(self, frame: Frame | Picture, emotion: str) -> None:
        """Save the largest face as an example of an emotion."""
        try:
            saved = self.collector.save(frame, self.faces, emotion)
            self.say(f"saved as {emotion}" if saved else "no face to save")
        except OSError as error:
            self.say(f"not saved: {self.collector.folder}: {error.strerror}")

    def undo(self) -> None:
        """Remove the face that was saved last."""
        try:
            undone = self.collector.undo()
            self.say(f"removed from {undone}" if undone else "nothing to undo")
        except OSError as error:
            self.say(f"not removed: {error.strerror}")

    def report(self) -> list[str]:
        """Return one line for each file that a key wrote."""
        return [*super().report(), *self.collector.report()]
