"""Name the expression on every face in front of a camera, in a video, a stream or pictures.

    python realtime.py                                                   the first camera, in a window
    python realtime.py --source clip.mp4 --output labelled.mp4 --csv faces.csv --headless
    python realtime.py --source photos/ --output labelled/ --headless    every picture of a folder

Reads   data/model/emotion.tflite, labels.txt   the network that train.py made, or else pretrained/ beside this script
Writes  --output FILE   the annotated video (.mp4, .mov, .mkv, .avi) or picture; a folder for a folder of pictures
        --csv FILE      a row per face and frame: frame, time (seconds), face, x, y, width, height (pixels of the frame
                        as shown), emotion, confidence, and the probability of each emotion; for a camera also the
                        clock, for many pictures the file

A Haar cascade finds the faces and follows them, one pass of the network names all faces of a frame, and each face's
probabilities are smoothed over time. In the window, `h` lists the keys and `q` quits. Needs NumPy and OpenCV alone.
Prints frames, faces, frames/s and the share of each emotion.
"""

import argparse
import contextlib
import math
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from common.command_line import run
from common.errors import fail

os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # what OpenCV and FFmpeg say on stderr, where an error is one line
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Without this some cameras take half a minute to open on Windows (github.com/opencv/opencv/issues/17687)
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
try:
    import cv2
except ImportError as error:
    fail(f"OpenCV can't be loaded ({error}); `apt-get install libgl1`, or `pip install -r requirements.txt`")

import numpy as np

from webcam.classifier import SMOOTHING, Network, classify, load_network
from webcam.detector import load_cascade
from webcam.overlay import draw, font_scale, panel
from webcam.sources import CameraSource, ImageSource, VideoSource, is_camera, open_source
from webcam.tracker import Face, Tracker, find
from webcam.window import Window
from webcam.writers import CsvWriter, ImageWriter, VideoRecorder, stamped, write_picture

KEYS = {"q, Esc": "quit", "space": "pause, go on", "s": "snapshot", "m": "mirror", "b": "bars", "r": "record, stop",
        "h": "this help"}  # fmt: skip


def default_model() -> Path:
    """Return data/model where train.py has made one, else pretrained/ beside this script."""
    made = Path("data/model")
    return made if (made / "emotion.tflite").is_file() else Path(__file__).resolve().parent / "pretrained"


@dataclass
class Loop:
    """A source, what finds and names the faces in it, where they go, and what the keys change."""

    source: ImageSource | VideoSource | CameraSource
    network: Network
    cascade: "cv2.CascadeClassifier"
    smoothing: float
    window: Window | None
    output: VideoRecorder | ImageWriter
    table: CsvWriter | None
    mirror: bool
    bars: bool
    help: bool = False
    paused: bool = False
    quit: bool = False
    note: str = ""  # shown until `noted`
    noted: float = 0.0
    faces: list[Face] = field(default_factory=list)
    frames: int = 0
    emotions: Counter = field(default_factory=Counter)
    seconds: float = 0.0  # spent on frames, pauses left out
    latest: float | None = None  # when the last frame came
    elapsed: float = 0.0  # seconds between frames, smoothed

    def run(self) -> None:
        """Name the faces of every frame until the source ends or the user quits."""
        self.tracker = Tracker(self.cascade)
        for seconds, frame in self.source.frames():
            if frame is not None:
                self.process(seconds, frame)
            if self.window:
                self.interact(frame is not None)
            if self.quit:
                return

    def process(self, seconds: float, frame: np.ndarray) -> None:
        """Find and name the faces of a BGR frame, draw them, and write what is to be written."""
        now = time.monotonic()
        if self.latest is not None:
            self.elapsed += (0.1 if self.elapsed else 1.0) * (now - self.latest - self.elapsed)
            self.seconds += now - self.latest
        self.latest = now
        self.frame = cv2.flip(frame, 1) if self.mirror else frame
        gray = cv2.cvtColor(self.frame, cv2.COLOR_BGR2GRAY)
        self.faces = find(gray, self.cascade) if self.source.still else self.tracker.update(gray, seconds)
        classify(gray, self.faces, self.network, seconds, self.smoothing)
        if self.table:
            self.table.write(self.frames, seconds, self.faces)
        if self.output.path:
            self.output.write(self.annotated(), seconds)
        self.frames += 1
        self.emotions.update(self.network.emotions[face.probabilities.argmax()] for face in self.faces)

    def annotated(self) -> np.ndarray:
        picture = self.frame.copy() if self.window else self.frame  # a key may ask for it to be drawn anew
        draw(picture, self.faces, self.network.emotions, self.bars)
        return picture

    def interact(self, new: bool) -> None:
        """Show the frame as long as it lasts, a picture or a paused frame until space is pressed; obey the keys."""
        still = self.source.still
        if not self.frames:
            self.say("waiting for the camera", 0.2)
        elif not new and self.latest is not None and time.monotonic() - self.latest > 1:
            self.say("no picture from the camera; trying again", 0.2)
        self.paused = self.paused or (new and still)
        wait = 0.0 if still or self.source.live else self.window.pace(self.source.rate)
        while True:
            self.show()
            self.press(self.window.key(0.05 if self.paused else wait))
            if self.quit or not self.paused:
                return
            self.latest, self.output.resumed = None, True  # the frames/s and a camera's recording leave pauses out

    def show(self) -> None:
        lines = [f"{1 / self.elapsed:.0f} frames/s"] if self.elapsed and not self.source.still else []
        lines += ["recording"] * (self.output.path is not None and not self.source.still)
        lines += [self.note] * (time.monotonic() < self.noted) + ["paused"] * self.paused
        lines += [f"{key}: {what}" for key, what in KEYS.items()] * self.help
        picture = self.annotated() if self.frames else np.zeros((480, 640, 3), np.uint8)
        size = 0.8 * font_scale(picture)
        panel(picture, 0, 0, lines, size)
        self.window.show(picture)

    def say(self, note: str, seconds: float = 2.0) -> None:
        self.note, self.noted = note, time.monotonic() + seconds

    def press(self, key: str) -> None:
        """Do what a key of KEYS says."""
        toggles = {" ": "paused", "b": "bars", "h": "help", "m": "mirror"}
        if key in ("q", "\x1b"):
            self.quit = True
        elif key in toggles:
            setattr(self, toggles[key], not getattr(self, toggles[key]))
            if key == "m" and self.frames:
                self.frame = cv2.flip(self.frame, 1)
                for face in self.faces:
                    face.mirror(self.frame.shape[1])
        elif key not in ("s", "r") or not self.frames:
            return
        elif not os.access(".", os.W_OK):
            self.say("this folder can't be written into")
        elif key == "s":
            path = stamped("snapshot", ".png")
            write_picture(path, self.annotated())
            self.output.written.append(path)
            self.say(f"wrote {path}")
        elif not self.source.still:
            if self.output.path is None:
                self.output.start(stamped("recording", ".mp4"))
            elif self.output.close():
                self.say(f"wrote {self.output.written[-1]}")

    def summary(self) -> str:
        faces, rate = self.emotions.total(), (self.frames - 1) / self.seconds if self.seconds else 0.0
        shares = [f"{emotion} {count / faces:.0%}" for emotion, count in self.emotions.most_common()]
        said = f"{self.frames:,} frames, {faces:,} faces" + f", {rate:.1f} frames/s" * bool(rate)
        return said + "; " * bool(faces) + ", ".join(shares)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sources = "camera number, video, stream URL, or pictures: files, folders, 'patterns*' (%(default)s)"
    parser.add_argument("--source", nargs="+", default=["0"], help=sources)
    parser.add_argument("--model", type=Path, help="model folder (data/model, or else pretrained beside this script)")
    parser.add_argument("--headless", action="store_true", help="no window")
    parser.add_argument("--output", type=Path, help="annotated video or picture; a folder for several pictures")
    parser.add_argument("--csv", type=Path, help="table of faces")
    parser.add_argument("--size", metavar="WIDTHxHEIGHT", help="to ask the camera for, such as 1280x720 (its own)")
    mirror = "as in a mirror (for a camera, not for other sources)"
    parser.add_argument("--mirror", action=argparse.BooleanOptionalAction, help=mirror)
    parser.add_argument("--bars", action="store_true", help="draw the probabilities of all emotions")
    smoothing = "time over which a face's probabilities are averaged, 0 for none (%(default)s)"
    parser.add_argument("--smoothing", type=float, default=SMOOTHING, metavar="SECONDS", help=smoothing)
    args = parser.parse_args()
    if not 0 <= args.smoothing < math.inf:
        fail(f"--smoothing {args.smoothing}: give 0 or more seconds")
    if args.size:
        size = args.size.lower().split("x")
        if len(size) != 2 or not all(re.fullmatch("[1-9][0-9]{0,4}", side) for side in size):
            fail(f"--size {args.size}: give width and height in pixels, such as 1280x720")
        args.size = (int(size[0]), int(size[1]))
    return args


def on_signals(handler: Callable) -> None:
    """Have Ctrl-C, `kill` and the end of a terminal handled, but for those that `nohup` has made ignored."""
    for name in {"SIGINT", "SIGTERM", "SIGHUP"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), handler)


def interrupt(number: int, frame: object) -> NoReturn:
    """End the loop at the first signal; further ones are ignored while the files are closed."""
    on_signals(lambda number, frame: None)
    raise KeyboardInterrupt


def main() -> None:
    args = parse_arguments()
    probe = None if args.headless else Window.probe()  # while it runs, the network is loaded
    network, cascade = load_network(args.model or default_model()), load_cascade()
    source, status = open_source(args.source, args.size), 0
    mirror = source.live and is_camera(source.name) if args.mirror is None else args.mirror
    with contextlib.ExitStack() as stack:
        stack.callback(source.stop)
        window = Window(probe) if probe else None
        stack.callback(cv2.destroyAllWindows if probe else int)
        output = stack.enter_context(
            contextlib.closing((ImageWriter if source.still else VideoRecorder)(args.output, source))
        )
        table = (
            stack.enter_context(contextlib.closing(CsvWriter(args.csv, source, network.emotions))) if args.csv else None
        )
        loop = Loop(source, network, cascade, args.smoothing, window, output, table, mirror, args.bars)
        try:
            loop.run()
        except KeyboardInterrupt:  # how a camera without a window is stopped: the files are whole then too
            status = 130
        finally:
            on_signals(lambda number, frame: None)
    if loop.frames:
        print(loop.summary())
        for path in output.written + [args.csv] * bool(args.csv):
            print(f"wrote {path}")
    source.raise_read_errors()  # now that all else is safe
    if not loop.frames and not status:
        fail(f"{args.source[0]}: no frame could be read; try another --source")
    raise SystemExit(status)


if __name__ == "__main__":
    on_signals(interrupt)
    run(main)
