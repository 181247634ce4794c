"""Hints about the picture itself: it is black, frozen, or on its side."""

import itertools
import sys
from collections.abc import Callable

import cv2
import numpy as np

from common.errors import printable
from webcam.analysis.analyzer import Face, to_gray
from webcam.detection.geometry import find_same, rescale
from webcam.detection.view import Detector
from webcam.outputs.sink import Sink
from webcam.sources.frame import TURNS, Frame, Picture

BLACK = 16  # nearly all gray values of a black picture are below this
STEP = 16  # compare every 16th pixel of every 16th row
BLACK_SECONDS, FROZEN_SECONDS = 3.0, 5.0  # how long a camera's picture is black or frozen first
FACELESS_SECONDS = 2.0  # between two searches of a turned frame, until the first face
SECOND_LOOK = 0.2  # seconds from the first face in a turned frame to the check
MOST_SEARCHES = 4
SMALLER = 0.8  # scale of the smaller copy, in which the face must be found again
MOST_PICTURES = 3  # search only this many pictures without a face


class Hints(Sink):
    """Prints each hint once, as soon as it is certain.

    Its frames are already turned by `rotate` degrees, and then mirrored if `mirror` is set.
    """

    def __init__(self, detector: Detector, rotate: int = 0, mirror: bool = False):
        super().__init__()
        self.detector, self.rotate, self.mirror = detector, rotate, mirror
        self.since: dict[str, float] = {}  # when each state ("black", "frozen") began
        self.said: set[str] = set()
        self.before: np.ndarray | None = None  # sampled pixels of the last frame
        self.last: Frame | None = None
        self.searches, self.searched_at, self.turn = 0, 0.0, 0
        self.seen = False  # whether any frame had a face
        self.show: Callable[[str], None] | None = None  # shows a hint in the window too

    def write(self, frame: Frame | Picture, faces: list[Face]) -> None:
        """Check a frame or picture."""
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
        """Search the last frame if the video ended before the hint was certain."""
        if self.last and (self.turn or not self.searches):
            turn = self.search(self.last.image)
            if turn and self.turn in (0, turn):
                self.say_turn(turn)

    def watch_camera(self, frame: Frame) -> None:
        """Print a hint if a camera's picture has been black or frozen for some seconds."""
        pixels = frame.image[::STEP, ::STEP].copy()
        black = np.mean(pixels < BLACK) >= 0.99  # a covered lens still has noise
        same = self.before is not None and np.array_equal(pixels, self.before)
        self.before = pixels
        states = [
            ("black", black, BLACK_SECONDS, "is its lens covered, or is it off?"),
            (
                "frozen",
                same and not black,
                FROZEN_SECONDS,
                "reconnect it, or restart its program",
            ),
        ]
        for state, holds, least, mend in states:
            start = self.since.setdefault(state, frame.seconds)
            if not holds:
                self.since[state] = frame.seconds
            elif frame.seconds - start >= least:
                self.say(f"the camera's picture has been {state} for {least:.0f} seconds: {mend}")

    def compare_turns(self, image: np.ndarray) -> None:
        """Print a hint once two searches in a row find a face in the same turn."""
        before, self.turn = self.turn, self.search(image)
        if self.turn and self.turn == before:
            self.say_turn(self.turn)

    def search(self, image: np.ndarray) -> int:
        """Return the degrees by which to turn an image so that it shows a face, 0 for no face.

        If several turns show a face, the largest face wins.
        """
        self.searches += 1
        gray = to_gray(image)
        sizes = {
            degrees: self.largest_face(cv2.rotate(gray, code)) for degrees, code in TURNS.items()
        }
        best = max(sizes, key=lambda degrees: sizes[degrees])
        return best if sizes[best] else 0

    def largest_face(self, gray: np.ndarray) -> float:
        """Return the side, in pixels, of the largest face in an image; 0 for no face.

        A face counts only if a smaller copy of the image shows it too: false ones rarely do.
        """
        boxes = self.faces_of_users(gray)
        again = self.faces_of_users(rescale(gray, SMALLER)) if boxes else []
        copies = [box * (1 / SMALLER, 1 / SMALLER, 1 / SMALLER, 1) for box in again]
        return max((box[2] for box in boxes if find_same(copies, box) is not None), default=0.0)

    def faces_of_users(self, gray: np.ndarray) -> list[np.ndarray]:
        """Return the upright faces in an image that are not small. The window waits meanwhile."""
        view = self.detector.view(gray, itertools.count())
        looks = map(view.confirm, view.search(0, view.soon))
        return [box for box in looks if box is not None]

    def say_turn(self, turn: int, where: str = "") -> None:
        """Print the --rotate that would show a face. `turn` is relative to the current frames."""
        degrees = (self.rotate + (-turn if self.mirror else turn)) % 360
        option = f"with --rotate {degrees}" if degrees else "without --rotate"
        self.say(f"{where}no face found, but there is one {option}")

    def say(self, hint: str) -> None:
        """Print a new hint. On a terminal it replaces the progress bar."""
        if hint not in self.said:
            self.said.add(hint)
            print(f"\r{hint:79}" if sys.stdout.isatty() else hint, flush=True)
            if self.show:
                self.show(hint)
