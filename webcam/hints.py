"""Hints about the picture itself: it is black, it stands still, or it lies on its side."""

import sys

import cv2
import numpy as np

from common.errors import printable
from webcam.analysis.analyzer import Face, to_gray
from webcam.detection.geometry import find_same, rescale
from webcam.detection.view import Detector
from webcam.outputs.sink import Sink
from webcam.sources.frame import TURNS, Frame, Picture

BLACK = 16  # gray value that a black picture stays below
STEP = 16  # pixels between those that are looked at
BLACK_SECONDS, FROZEN_SECONDS = 3.0, 5.0  # of a camera, after which that is said
FACELESS_SECONDS = 2.0  # between two searches in a turned picture, while there was never a face
SECOND_LOOK = 0.2  # seconds after a first face in a turned picture
MOST_SEARCHES = 4
LINES = 240  # of the shorter side: enough for the face of someone before a camera
FEWER_LINES = 190  # of the smaller copy
SMALLER = 0.8  # scale of the copy in which a face is looked for again
MOST_PICTURES = 3  # without a face that are searched


class Hints(Sink):
    """Prints each hint once, as soon as it is sure.

    The frames that it sees are turned by `rotate` degrees, then mirrored with `mirror`.
    """

    def __init__(self, detector: Detector, rotate: int = 0, mirror: bool = False):
        super().__init__()
        self.detector, self.rotate, self.mirror = detector, rotate, mirror
        self.since: dict[str, float] = {}  # when each state of the camera's picture began
        self.said: set[str] = set()
        self.before: np.ndarray | None = None  # pixels of the last frame
        self.last: Frame | None = None
        self.searches, self.searched_at, self.turn = 0, 0.0, 0
        self.seen = False  # whether there was ever a face

    def write(self, frame: Frame | Picture, faces: list[Face]) -> None:
        """Look at a frame or picture."""
        self.seen = self.seen or bool(faces)
        if isinstance(frame, Picture):
            if not faces and self.searches < MOST_PICTURES and (turn := self.search(frame.image)):
                self.say_turn(turn, f"{printable(frame.name)}: ")
            return
        if frame.clock:
            self.watch_camera(frame)
        self.last = None if self.seen else frame
        pause = SECOND_LOOK if self.turn else FACELESS_SECONDS
        due = frame.seconds - self.searched_at >= pause
        if not self.seen and due and self.searches < MOST_SEARCHES:
            self.searched_at = frame.seconds
            self.compare_turns(frame.image)

    def end(self, seconds: float | None) -> None:
        """Search the last frame of a video that ends before it is sure."""
        if self.last and (self.turn or not self.searches):
            turn = self.search(self.last.image)
            if turn and self.turn in (0, turn):
                self.say_turn(turn)

    def watch_camera(self, frame: Frame) -> None:
        """Say if a camera's picture has been black, or the same, for some seconds."""
        pixels = frame.image[::STEP, ::STEP].copy()
        black = pixels.max() < BLACK
        same = self.before is not None and np.array_equal(pixels, self.before)
        self.before = pixels
        states = [
            ("black", black, BLACK_SECONDS, "is its lens covered, or is it off?"),
            (
                "the same",
                same and not black,
                FROZEN_SECONDS,
                "unplug it, or start its program again",
            ),
        ]
        for state, holds, least, mend in states:
            start = self.since.setdefault(state, frame.seconds)
            if not holds:
                self.since[state] = frame.seconds
            elif frame.seconds - start >= least:
                self.say(f"the camera's picture has been {state} for {least:.0f} seconds: {mend}")

    def compare_turns(self, image: np.ndarray) -> None:
        """Search a turned frame; say so at the second time that it has a face."""
        before, self.turn = self.turn, self.search(image)
        if self.turn and self.turn == before:
            self.say_turn(self.turn)

    def search(self, image: np.ndarray) -> int:
        """Return by how many degrees an image has to be turned to show a face, 0 for none.

        The turn with the largest face counts.
        """
        self.searches += 1
        gray = to_gray(image)
        sizes = {
            degrees: self.largest_face(cv2.rotate(gray, code)) for degrees, code in TURNS.items()
        }
        best = max(sizes, key=lambda degrees: sizes[degrees])
        return best if sizes[best] else 0

    def largest_face(self, gray: np.ndarray) -> float:
        """Return the side of the largest face that is found in an image and in a smaller copy.

        In pixels, 0 for none. What is no face is rarely found in both.
        """
        boxes = self.detector.detect(gray, LINES)
        again = self.detector.detect(rescale(gray, SMALLER), FEWER_LINES) if boxes else []
        copies = [box * (1 / SMALLER, 1 / SMALLER, 1 / SMALLER, 1) for box in again]
        return max((box[2] for box in boxes if find_same(copies, box) is not None), default=0.0)

    def say_turn(self, turn: int, where: str = "") -> None:
        """Say with which --rotate a face would be found; `turn` is that of the frames as seen."""
        degrees = (self.rotate + (-turn if self.mirror else turn)) % 360
        option = f"with --rotate {degrees}" if degrees else "without --rotate"
        self.say(f"{where}no face is found, but one would be {option}")

    def say(self, hint: str) -> None:
        """Print a hint, unless it was said, over the progress bar of a terminal."""
        if hint not in self.said:
            self.said.add(hint)
            print(f"\r{hint:79}" if sys.stdout.isatty() else hint, flush=True)
