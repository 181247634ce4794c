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
import csv
import glob
import math
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from common.command_line import run
from common.console import quiet
from common.errors import fail

os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # what OpenCV and FFmpeg say on stderr, where an error is one line
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Without this some cameras take half a minute to open on Windows (github.com/opencv/opencv/issues/17687)
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
try:
    import cv2
except ImportError as error:
    fail(f"OpenCV can't be loaded ({error}); `apt-get install libgl1`, or `pip install -r requirements.txt`")

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
# Okabe and Ito's palette, told apart by colour-blind readers too; red, green, blue. Of FER+'s emotions, in alphabetical
# order, it makes anger red, disgust green, happiness yellow, neutral gray, sadness blue
PALETTE = ["d55e00", "cc79a7", "009e73", "e69f00", "f0e442", "bebebe", "0072b2", "56b4e9"]
COLORS = [tuple(bytes.fromhex(color)[::-1]) for color in PALETTE]  # OpenCV wants blue, green, red
BLACK, WHITE = (0, 0, 0), (255, 255, 255)

# Searching. Pixels here are those of the frame as it is searched: reduced until its shorter side has LINES of them
LINES = 360
PICTURE_LINES = 720  # of a picture, which has no next frame in which to find a face, and where nothing waits
SMALLEST = 30  # the smallest face: a twelfth of a large frame's shorter side, of a picture's a 24th
# How many times the frame is reduced once more, and the sizes looked for on it: one of these octaves per frame, since
# all at once, and without the reducing, take 40 ms. (OpenCV looks at every pixel for sizes above 48, else every other)
OCTAVES = [(1, SMALLEST, 50), (2, 24, 50), (4, 24, LINES)]
SEARCH_EVERY = 0.15  # seconds between two octaves while a face is being followed; without one, every frame has one
SCALE_FACTOR = 1.1
MIN_NEIGHBORS = 5  # of a new face
PICTURE_NEIGHBORS = 8  # of a face in a picture: among more pixels more look like one
HINT_NEIGHBORS = 2  # of what may be a new face, and is looked at again
FOLLOW_NEIGHBORS = 3  # of a face that is known to be there
FOLLOWED_SIZE = 56  # pixels that a followed face's neighbourhood is scaled to, so that it costs the same at any size
REACH = 0.3  # of a face's side: how far beyond its last box it is looked for
AT_ONCE = 2  # faces searched for in one frame; of more, those that have waited longest
COAST = 0.3  # seconds that a face stays where it was after it was last found
MARGIN = 0.025  # of a face's side, added on each side before the network sees it
SMOOTHING = 0.3  # seconds over which the probabilities of a face are averaged
STEADY = 0.05  # seconds over which boxes are smoothed
LOST = 5.0  # seconds without a frame after which a camera is given up
ANSWER = 10_000  # milliseconds that a stream has to answer in

KEYS = {"q, Esc": "quit", "space": "pause, go on", "s": "snapshot", "m": "mirror", "b": "bars", "r": "record, stop",
        "h": "this help"}  # fmt: skip
EVEN_OUT = cv2.createCLAHE(clipLimit=1.0, tileGridSize=(8, 8))


@dataclass
class Network:
    """A TFLite network in cv2.dnn, its emotions in the order of its outputs, and its input's height and width."""

    net: "cv2.dnn.Net"
    emotions: list[str]
    height: int
    width: int

    def name(self, crops: np.ndarray) -> np.ndarray:
        """Return the probabilities, float32 (n, emotions), of gray crops, uint8 (n, height, width), in one pass."""
        self.net.setInput(crops[:, None].astype(np.float32))
        return self.net.forward()


def input_shape(tflite: bytes) -> list[int]:
    """Return the shape of a TFLite network's input, (1, height, width, channels), which cv2.dnn does not tell.

    A TFLite file is a FlatBuffer (tensorflow/lite/schema/schema.fbs): tables of offsets, whose fields are numbered.
    Here: Model.subgraphs is field 2, SubGraph.tensors 0 and .inputs 1, Tensor.shape 0. Raises struct.error.
    """

    def read(place: int, form: str = "<I") -> int:
        return struct.unpack_from(form, tflite, place)[0]

    def follow(place: int) -> int:
        return place + read(place)

    def vector(table: int, number: int) -> int:
        fields = table - read(table, "<i")
        return follow(table + read(fields + 4 + 2 * number, "<H")) + 4  # 4: past the vector's length

    graph = follow(vector(follow(0), 2))
    tensor = follow(vector(graph, 0) + 4 * read(vector(graph, 1)))
    shape = vector(tensor, 0)
    return [read(shape + 4 * axis, "<i") for axis in range(read(shape - 4))]


def load_network(folder: Path) -> Network:
    """Load emotion.tflite and labels.txt; fails by name when one is missing, broken, or does not fit the other."""
    path, labels = folder / "emotion.tflite", folder / "labels.txt"
    for file in (path, labels):
        if not file.is_file():
            fail(f"{file}: no such file; make it with `python train.py`, or choose another --model")
    emotions = labels.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    try:
        _, height, width, channels = input_shape(path.read_bytes())
        if not all(0 < size <= 1024 for size in (height, width, channels)):
            raise ValueError("no image goes in")
        net = cv2.dnn.readNetFromTFLite(str(path))
        net.setInput(np.zeros((1, channels, height, width), np.float32))
        outputs = net.forward().size
    except (cv2.error, struct.error, ValueError):
        fail(f"{path}: not a TFLite network that OpenCV can read; make it again with `python train.py --export`")
    if channels != 1:
        fail(f"{path}: takes {channels} channels, not 1 (gray); train it with train.py")
    if len({emotion.strip() for emotion in emotions} - {""}) != len(emotions):
        fail(f"{labels}: a blank or repeated label; copy it again from beside the network")
    if outputs != len(emotions):
        fail(f"{labels}: {len(emotions)} labels for a network of {outputs} outputs; copy both again")
    return Network(net, emotions, height, width)


def load_cascade() -> "cv2.CascadeClassifier":
    if not hasattr(cv2, "CascadeClassifier"):
        fail(f"OpenCV {cv2.__version__} has no Haar cascades; run `pip install 'opencv-python>=4.12,<5'`")
    path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        fail(f"{path}: can't be read; run `pip install --force-reinstall 'opencv-python>=4.12,<5'`")
    return cascade


@dataclass
class Face:
    """A face: `box` and `place` are (x, y, side) in pixels of the frame, float, the one smoothed, the other not."""

    number: int
    box: np.ndarray
    place: np.ndarray
    seen: float = 0.0  # seconds at which it was last found
    found: bool = True  # when it was last searched for
    sightings: int = 1
    searched: int = 0  # the number of the frame in which it was last searched for
    probabilities: np.ndarray | None = None
    named: float = 0.0  # seconds at which the network last saw it

    def corners(self) -> tuple[int, int, int]:
        """Return the box in whole pixels: left, top, side."""
        return tuple(round(float(value)) for value in self.box)

    def mirror(self, width: int) -> None:
        for box in (self.box, self.place):
            box[0] = width - box[0] - box[2]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the intersection of two squares (x, y, side) over their union."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[2], b[1] + b[2]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return both / (a[2] ** 2 + b[2] ** 2 - both)


def share(elapsed: float, seconds: float) -> float:
    """Return the share of a new value in an average that forgets exponentially, `seconds` its time constant.

    From the time that has passed, so that the average is the same at any frame rate.
    """
    return 1 - math.exp(-max(elapsed, 0.0) / seconds) if seconds > 0 else 1.0


def even_out(gray: np.ndarray) -> np.ndarray:
    """Return grays, uint8 (height, width), stretched over the whole range and evened out (CLAHE, Zuiderveld 1994).

    The cascade takes what has little contrast for a wall. Frames with the face found, of 186 in two webcam clips of
    640x480 (benchmarks/detection.py; no false boxes in any):

        light                          whole frame, (1.1, 5)  tracker, grays as they are  tracker
        as it is                       186                    186                         186
        30 % of it                     109                    109                         186
        10 % of it, noise of 2         0                      0                           186
        gamma 3                        130                    179                         186
        10 % of the contrast           0                      0                           186
        before a bright window         51                     0                           186
    """
    sample = gray[::4, ::4].ravel()
    edge = sample.size // 200
    ordered = np.partition(sample, [edge, sample.size - 1 - edge])
    dark, bright = float(ordered[edge]), float(ordered[-1 - edge])
    gain = 255 / max(bright - dark, 8.0)
    table = np.clip((np.arange(256) - dark) * gain, 0, 255).astype(np.uint8)
    return EVEN_OUT.apply(cv2.LUT(gray, table))


def prepare(gray: np.ndarray, lines: int) -> tuple[np.ndarray, float]:
    """Return the frame as it is searched, uint8 (height, width), and how many times smaller it is."""
    scale = max(1.0, min(gray.shape) / lines)
    if scale > 1:
        size = (max(1, round(gray.shape[1] / scale)), max(1, round(gray.shape[0] / scale)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return even_out(gray), scale


def search(view: np.ndarray, cascade, smallest: float, largest: float, neighbors: int) -> list[np.ndarray]:
    """Return the faces found in a prepared frame, or a part of one, as float (x, y, side) in its pixels."""
    sizes = {"minSize": (round(smallest),) * 2, "maxSize": (round(largest),) * 2}
    return [box[:3].astype(float) for box in cascade.detectMultiScale(view, SCALE_FACTOR, neighbors, **sizes)]


def look_near(view: np.ndarray, cascade, box: np.ndarray, neighbors: int) -> np.ndarray | None:
    """Return the face around `box` that overlaps it most, in pixels of `view`, or None."""
    x, y, side = box
    left, top = (max(0, round(start - REACH * side)) for start in (x, y))
    part = view[top : max(0, round(y + side * (1 + REACH))), left : max(0, round(x + side * (1 + REACH)))]
    scale = FOLLOWED_SIZE / side
    size = [round(length * scale) for length in part.shape[::-1]]
    if min(size) < FOLLOWED_SIZE // 2:
        return None
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    found = search(part, cascade, 0.8 * FOLLOWED_SIZE, 1.25 * FOLLOWED_SIZE, neighbors)
    found = [near / scale + (left, top, 0) for near in found]
    best = max(found, key=lambda near: overlap(near, box), default=None)
    return best if best is not None and overlap(best, box) > 0.3 else None


def find(gray: np.ndarray, cascade: "cv2.CascadeClassifier") -> list[Face]:
    """Return the faces of a picture, numbered from 1, from left to right."""
    view, scale = prepare(gray, PICTURE_LINES)
    boxes = sorted(search(view, cascade, SMALLEST, max(view.shape), PICTURE_NEIGHBORS), key=tuple)
    return [Face(number, box * scale, box * scale) for number, box in enumerate(boxes, 1)]


class Tracker:
    """Finds faces in one frame after the other, and keeps each one's number as long as it can be followed.

    A new face is looked for in the whole frame, an octave of sizes at a time. A face that is known is looked for around
    its last box, which takes a tenth of the time. One that can't be found stays where it was for COAST seconds.
    """

    def __init__(self, cascade: "cv2.CascadeClassifier"):
        self.cascade = cascade
        self.faces: list[Face] = []
        self.frames = self.numbers = 0
        self.octave, self.next_search = 0, 0.0

    def update(self, gray: np.ndarray, seconds: float) -> list[Face]:
        """Return the faces of the next frame, uint8 (height, width), which was taken at `seconds`."""
        view, scale = prepare(gray, LINES)
        everywhere = not self.frames
        for face in sorted(self.faces, key=lambda face: face.searched)[:AT_ONCE]:
            known, face.searched = face.found, self.frames
            self.see(face, look_near(view, self.cascade, face.place / scale, FOLLOW_NEIGHBORS), scale, seconds)
            everywhere = everywhere or (known and not face.found)
        for box in self.look_around(view, seconds, everywhere):
            known = [face for face in self.faces if overlap(face.place, box * scale) > 0.3]
            if not known:
                box = look_near(view, self.cascade, box, MIN_NEIGHBORS)
                if box is not None and all(overlap(face.place, box * scale) < 0.3 for face in self.faces):
                    self.numbers += 1
                    self.faces.append(Face(self.numbers, box * scale, box * scale, seconds, searched=self.frames))
            elif not known[0].found:
                self.see(known[0], box, scale, seconds)
        self.faces = [
            face
            for number, face in enumerate(self.faces)
            if (face.found or (face.sightings > 2 and seconds - face.seen < COAST))
            and not any(overlap(face.place, older.place) > 0.5 for older in self.faces[:number])
        ]
        self.frames += 1
        return self.faces

    def see(self, face: Face, box: np.ndarray | None, scale: float, seconds: float) -> None:
        """Move a face to where it was found, or note that it wasn't."""
        face.found = box is not None
        if face.found:
            face.place = box * scale
            face.box = face.box + share(seconds - face.seen, STEADY) * (face.place - face.box)
            face.seen = seconds
            face.sightings += 1

    def look_around(self, view: np.ndarray, seconds: float, everywhere: bool) -> list[np.ndarray]:
        """Return what may be faces, of one octave of sizes or `everywhere`; nothing when it is not time to look."""
        if not everywhere and seconds < self.next_search and any(face.found for face in self.faces):
            return []
        self.next_search, found = seconds + SEARCH_EVERY, []
        for times, smallest, largest in OCTAVES if everywhere else [OCTAVES[self.octave]]:
            size = [max(1, length // times) for length in view.shape[::-1]]
            small = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
            found += [box * times for box in search(small, self.cascade, smallest, largest, HINT_NEIGHBORS)]
        self.octave = (self.octave + 1) % len(OCTAVES)
        return found


def crop(gray: np.ndarray, box: tuple[int, int, int], network: Network) -> np.ndarray:
    """Return the face as the network takes it, uint8 (height, width); what lies outside the frame repeats its edge."""
    x, y, side = box
    above, left = max(0, -y), max(0, -x)
    below, right = max(0, y + side - gray.shape[0]), max(0, x + side - gray.shape[1])
    face = gray[max(0, y) : y + side, max(0, x) : x + side]
    face = cv2.copyMakeBorder(face, above, below, left, right, cv2.BORDER_REPLICATE)
    return cv2.resize(face, (network.width, network.height), interpolation=cv2.INTER_AREA)


def classify(gray: np.ndarray, faces: list[Face], network: Network, seconds: float, smoothing: float) -> None:
    """Set the probabilities, float32 (emotions,), of a frame's faces in one pass, averaged over `smoothing` seconds.

    A face that was not found where it was looked for keeps those it has. With MARGIN around the cascade's box the
    network sees faces as FER-2013 frames them. Accuracy over validation faces put into larger scenes, found and cropped
    with a margin on each side (benchmarks/crop_margin.py, majority rule, n = 13,031; 0.866 for the faces as they are):

        margin    -0.1   -0.05  0      0.025  0.05   0.075  0.1    0.2    0.3
        accuracy  0.840  0.857  0.867  0.870  0.870  0.862  0.860  0.823  0.741
    """
    faces = [face for face in faces if face.found]
    if not faces:
        return
    frames = [np.rint(face.box + face.box[2] * np.array([-MARGIN, -MARGIN, 2 * MARGIN])).astype(int) for face in faces]
    crops = np.stack([crop(gray, tuple(frame), network) for frame in frames])
    for face, new in zip(faces, network.name(crops)):
        old = face.probabilities
        face.probabilities = new if old is None else old + share(seconds - face.named, smoothing) * (new - old)
        face.named = seconds


def write(frame: np.ndarray, text: str, place: tuple[int, int], size: float, color: tuple, thick: int = 1) -> None:
    cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, color, thick, cv2.LINE_AA)


def measure(texts: list[str], size: float, thick: int = 1) -> tuple[int, int]:
    """Return the width of the widest text and the height of a line, in pixels."""
    sizes = [cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thick) for text in texts]
    return max(width for (width, _), _ in sizes), max(height + base for (_, height), base in sizes)


def font_scale(frame: np.ndarray) -> float:
    """Return OpenCV's font scale that suits a frame, and with it the width of lines."""
    return max(0.4, min(frame.shape[:2]) / 900)


def draw(frame: np.ndarray, faces: list[Face], emotions: list[str], bars: bool = False) -> None:
    """Draw each face's box, number, emotion and confidence into `frame`, with `bars` all its probabilities."""
    size = font_scale(frame)
    thick = max(1, round(2 * size))
    for face in faces if bars else ():
        draw_bars(frame, face, emotions, 0.7 * size)
    for face in faces:
        x, y, side = face.corners()
        best = int(face.probabilities.argmax())
        color = COLORS[best % len(COLORS)]
        text = f"#{face.number} {emotions[best]} {face.probabilities[best]:.0%}"
        width, line = measure([text], size, thick)
        pad = max(2, line // 6)
        tall = line + pad
        left = max(0, min(x - thick, frame.shape[1] - width - 2 * pad))
        top = y - tall if y >= tall else min(y + side, frame.shape[0] - tall)
        cv2.rectangle(frame, (x, y), (x + side, y + side), BLACK, thick + 3)  # seen on a ground of its own color too
        cv2.rectangle(frame, (x, y), (x + side, y + side), color, thick + 1)
        cv2.rectangle(frame, (left, top), (left + width + 2 * pad, top + tall), color, cv2.FILLED)
        light = 0.11 * color[0] + 0.59 * color[1] + 0.3 * color[2]
        write(frame, text, (left + pad, top + tall - line // 3), size, BLACK if light > 100 else WHITE, thick)


def draw_bars(frame: np.ndarray, face: Face, emotions: list[str], size: float) -> None:
    """Draw a bar per emotion beside a face's box, to its right where there is room."""
    x, y, side = face.corners()
    longest, line = measure(["probability"], size)  # for a probability of 1
    width = measure(emotions, size)[0] + longest + line
    left = x + side + line // 3 if x + side + line // 3 + width <= frame.shape[1] else x - line // 3 - width
    right, top = panel(frame, left, y, emotions, size, longest)
    for number, value in enumerate(face.probabilities):
        color, start = COLORS[number % len(COLORS)], (right - longest, top + round(line * (1.1 * number + 0.4)))
        cv2.rectangle(frame, start, (start[0] + round(longest * float(value)), start[1] + line // 2), color, cv2.FILLED)


def panel(frame: np.ndarray, left: int, top: int, lines: list[str], size: float, room: int = 0) -> tuple[int, int]:
    """Write white lines on a darkened ground, moved into the frame where it lies beyond, with `room` to their right.

    Returns the right edge of the room and the upper edge of the panel, in pixels.
    """
    if not lines:
        return left, top
    width, line = measure(lines, size)
    gap = line // 3
    width, height = width + room + (3 if room else 2) * gap, round(1.1 * line * len(lines)) + gap
    left, top = max(0, min(left, frame.shape[1] - width)), max(0, min(top, frame.shape[0] - height))
    frame[top : top + height, left : left + width] //= 4
    for number, text in enumerate(lines, 1):
        write(frame, text, (left + gap, top + round(1.1 * line * number) - gap // 2), size, WHITE)
    return left + width - gap, top


class Pictures:
    """Picture files, one after the other; `many` unless it was asked for one by name.

    Those that can't be read are left out, and named at the end.
    """

    live, still = False, True

    def __init__(self, paths: list[Path], many: bool):
        self.paths, self.many, self.unread, self.name = paths, many, [], ""

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        for path in self.paths:
            self.name = str(path)
            try:
                with quiet():
                    picture = cv2.imread(self.name, cv2.IMREAD_COLOR)
            except cv2.error:  # more pixels than OpenCV takes
                picture = None
            if picture is None:
                self.unread.append(self.name)
            else:
                yield 0.0, picture

    def stop(self) -> None:
        """Nothing is under way."""

    def complain(self) -> None:
        """Fail when there were unreadable pictures; the others are done."""
        if self.unread:
            which = self.unread[0] + f" and {len(self.unread) - 1} more" * (len(self.unread) > 1)
            fail(f"{which}: not a picture that OpenCV can read; convert it to PNG or JPEG")


class Video:
    """A video file, or a stream that has an end: every frame, in order."""

    live = still = False

    def __init__(self, name: str, capture: "cv2.VideoCapture"):
        self.name, self.capture = name, capture
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 1000 else 30.0
        self.promised = capture.get(cv2.CAP_PROP_FRAME_COUNT) / self.rate  # seconds
        self.last, self.ended = -1.0, False

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield (seconds of media time, BGR frame); the next frame is read into the same array."""
        frame = None
        while True:
            there, frame = self.capture.read(frame)
            if not there:
                self.ended = True
                return
            seconds = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            later = max(self.last, 0.0) + 1 / self.rate
            self.last = seconds if seconds > self.last else later  # some files have no time stamps
            yield self.last, frame

    def stop(self) -> None:
        self.capture.release()

    def complain(self) -> None:
        """Fail when the file has ended long before its end."""
        if self.ended and self.last + 2 / self.rate < 0.9 * self.promised:
            what = f"damaged, {max(self.last, 0):.1f} of {self.promised:.1f} seconds can be read"
            fail(f"{self.name}: {what}; convert it with ffmpeg, or fetch it again")


class Camera:
    """A camera or a stream without end, read by a thread that keeps the newest frame alone: what is shown is never old.

    One that stops is opened again and again, for LOST seconds.
    """

    live, still = True, False

    def __init__(self, name: str, size: tuple[int, int] | None, capture: "cv2.VideoCapture"):
        self.name, self.size, self.capture = name, size, capture
        self.newest, self.changed, self.closing = None, threading.Condition(), threading.Event()
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 120 else 30.0
        self.lost = False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        while not self.closing.is_set():
            there, frame = self.capture.read()
            if there:
                with self.changed:
                    self.newest = frame
                    self.changed.notify()
            elif not self.closing.wait(0.2):
                self.capture.release()
                self.capture = capture_from(self.name, self.size)

    def frames(self) -> Iterator[tuple[float, np.ndarray | None]]:
        """Yield (seconds since the first frame, BGR frame), None for the frame while there is no new one."""
        start, heard = None, time.monotonic()
        while not self.lost:
            with self.changed:
                self.changed.wait_for(lambda: self.newest is not None, 0.05)
                frame, self.newest = self.newest, None
            now = time.monotonic()
            if frame is not None:
                start, heard = start or now, now
            self.lost = now - heard > LOST * (1 if start else 2)  # cameras take their time to wake up
            yield now - (start or now), frame

    def stop(self) -> None:
        """End the thread: Python may abort when it ends before one that is reading."""
        self.closing.set()
        self.thread.join(1)

    def complain(self) -> None:
        """Fail when the camera was lost; what it gave until then is kept."""
        if self.lost:
            fail(f"{self.name}: no frame for {LOST:.0f} seconds or more; look after its cable or network")


def capture_from(name: str, size: tuple[int, int] | None = None) -> "cv2.VideoCapture":
    """Open a camera, video file or stream with OpenCV; whether that worked is for the caller to ask."""
    if "://" in name:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, ANSWER, cv2.CAP_PROP_READ_TIMEOUT_MSEC, ANSWER]
        return cv2.VideoCapture(name, cv2.CAP_FFMPEG, limits)
    if not is_camera(name):
        return cv2.VideoCapture(os.path.abspath(name))  # FFmpeg takes `a:b.mp4` for a protocol
    capture = cv2.VideoCapture(int(name))
    if size:
        # Most webcams have the bandwidth for large frames at full rate only as JPEGs
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    return capture


def is_camera(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 4


def list_files(names: list[str]) -> list[Path]:
    """Return the files that names, patterns and folders (the pictures in them) stand for; fails when one has none."""
    paths = []
    for name in names:
        path, found = Path(name), [Path(name)]
        if name and path.is_dir():
            found = [file for file in path.iterdir() if file.is_file() and file.suffix.lower() in IMAGE_SUFFIXES]
            found = sorted(file for file in found if not file.name.startswith("."))
        elif not (name and path.exists()):
            found = sorted(map(Path, glob.glob(name)))
        if not found:
            what = "no pictures in it" if name and path.is_dir() else "no such file"
            fail(f"{name}: {what}; give a camera number, a video, pictures or a stream's URL to --source")
        paths += found
    return paths


def open_source(names: list[str], size: tuple[int, int] | None) -> Pictures | Video | Camera:
    """Open what --source names; fails when there is nothing, or nothing that can be read."""
    names = [url2pathname(urlsplit(name).path) if name.startswith("file://") else name for name in names]
    name = names[0]
    if size and not (len(names) == 1 and is_camera(name)):
        fail(f"{name}: --size is what to ask a camera for; leave it out")
    if len(names) > 1 or not (is_camera(name) or "://" in name):
        paths = list_files(names)
        strange = [path for path in paths if path.suffix.lower() not in IMAGE_SUFFIXES]
        if not strange:
            return Pictures(paths, many=paths != [Path(name)])
        if len(paths) > 1:
            fail(f"{strange[0]}: not a picture, and of several sources all must be; give it to --source alone")
        name = str(paths[0])
    opened = []  # in a thread, since a stream may take long to answer, and Ctrl-C must work meanwhile
    thread = threading.Thread(target=lambda: opened.append(capture_from(name, size)), daemon=True)
    thread.start()
    thread.join()
    capture = opened[0]
    if not capture.isOpened():
        what = "no such camera, or another program holds it; try --source 1, or a video file" if is_camera(name) else (
            "not a stream that answers" if "://" in name else "not a video that OpenCV can read; convert it to MP4"
        )  # fmt: skip
        fail(f"{name}: {what}")
    endless = is_camera(name) or ("://" in name and capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0)
    return Camera(name, size, capture) if endless else Video(name, capture)


class Window:
    """A window on the screen."""

    TITLE = "Facial expressions (h: keys)"

    def __init__(self, probe: subprocess.Popen):
        # Without a display OpenCV's window toolkit aborts the process that asks for a window: another one has asked
        if probe.wait():
            what = "no display to open a window on, or opencv-python-headless, which has no windows"
            fail(f"{what}; use --headless with --output or --csv")
        cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        self.size, self.due = None, 0.0

    @staticmethod
    def probe() -> subprocess.Popen:
        """Start a process that fails where no window can be opened."""
        ask = [sys.executable, "-c", "import cv2; cv2.namedWindow('?')"]
        return subprocess.Popen(ask, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def show(self, frame: np.ndarray) -> None:
        if self.size is None:
            self.size = frame.shape[1::-1]
            cv2.resizeWindow(self.TITLE, *self.size)
        cv2.imshow(self.TITLE, frame)

    def key(self, seconds: float) -> str:
        """Return the key that is pressed within `seconds`, `q` when the window was closed, or nothing."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            code = cv2.waitKey(max(1, int(1000 * min(left, 0.05)))) & 0xFF  # not longer: it does not notice closing
            try:
                if cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) < 1:
                    return "q"
            except cv2.error:  # Qt has ended with its last window
                return "q"
            if code != 0xFF or left <= 0.05:
                return "" if code == 0xFF else chr(code)

    def pace(self, rate: float) -> float:
        """Return the seconds to wait so that a file plays at its own rate, no frame left out."""
        now = time.monotonic()
        self.due = max(self.due + 1 / rate, now) if self.due else now
        return self.due - now


def refuse_path(path: Path, sources: list[Path], option: str) -> None:
    """Fail when a file can't be written at `path`, or would replace one of the sources."""
    if not path.parent.is_dir():
        fail(f"{path.parent}: no such folder; make it, or choose another {option}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        fail(f"{path}: can't be written; choose another {option}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        fail(f"{path}: is the source itself; choose another {option}")


def hidden(path: Path) -> Path:
    """Return where a file is made before it is moved to `path`, whole."""
    return path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")


def stamped(what: str, suffix: str) -> Path:
    return Path(f"{what}-{datetime.now():%Y%m%d-%H%M%S-%f}"[:-3] + suffix)


def write_picture(path: Path, frame: np.ndarray) -> None:
    """Write a picture, whole or not at all; raises OSError."""
    try:
        with quiet():
            whole = cv2.imwrite(str(hidden(path)), frame)
        if not whole:
            raise OSError(0, "can't be written", str(path))
        os.replace(hidden(path), path)
    finally:
        hidden(path).unlink(missing_ok=True)


class Recorder:
    """Annotated frames into videos, each written beside its place and moved there once it is whole."""

    def __init__(self, path: Path | None, source: Video | Camera):
        self.source, self.path, self.writer, self.written = source, None, None, []
        if path:
            if path.suffix.lower() not in CODECS:
                fail(f"{path}: unknown ending for a video; use one of {' '.join(sorted(CODECS))}")
            refuse_path(path, [Path(source.name)], "--output")
            self.start(path)

    def start(self, path: Path) -> None:
        self.path, self.writer, self.count, self.resumed = path, None, 0, False

    def write(self, frame: np.ndarray, seconds: float) -> None:
        """Add a frame, as often as makes the video last as long as the source does; of a file at least once."""
        if self.writer is None:
            code, self.size, self.began = CODECS[self.path.suffix.lower()], frame.shape[1::-1], seconds
            self.part = hidden(self.path.absolute())  # FFmpeg takes `a:b.mp4` for a protocol
            self.writer = cv2.VideoWriter(
                str(self.part), cv2.VideoWriter_fourcc(*code), self.source.rate, self.size
            )  # fmt: skip
            if not self.writer.isOpened():
                self.finish(False)
        if frame.shape[1::-1] != self.size:  # a camera that came back may have another size
            frame = cv2.resize(frame, self.size)
        times = round((seconds - self.began) * self.source.rate) + 1 - self.count
        times = min(max(times, 0 if self.source.live else 1), int(LOST * self.source.rate) + 1)
        if self.resumed:  # the time of a pause is left out
            self.began, times, self.resumed = seconds - self.count / self.source.rate, 1, False
        for _ in range(times):
            self.writer.write(frame)
        self.count += times

    def finish(self, whole: bool) -> None:
        path, self.path = self.path, None
        if whole:
            os.replace(self.part, path)
            self.written.append(path)
            return
        kept = ""
        if cv2.VideoCapture(str(self.part)).read()[0]:
            self.part.rename(path.with_stem(f"{path.stem}.partial"))
            kept = f"; its beginning is in {path.stem}.partial{path.suffix}"
        self.part.unlink(missing_ok=True)
        fail(f"{path}: can't be written (disk full, or a codec is missing){kept}; choose another --output")

    def close(self) -> bool:
        """End the recording that is under way; return whether there was one with a frame."""
        if self.path and self.writer is not None:
            self.writer.release()
            # The writer never says that it failed, on a full disk neither: see how many frames have arrived. There may
            # be more than were counted, where Ctrl-C came between the writing and the counting
            self.finish(cv2.VideoCapture(str(self.part)).get(cv2.CAP_PROP_FRAME_COUNT) >= self.count)
            return True
        self.path = None
        return False


class Album:
    """Annotated pictures: into one file for one picture, into a folder, under their own names, for more."""

    def __init__(self, path: Path | None, source: Pictures):
        self.path, self.source, self.written = path, source, []
        if not path:
            return
        if not source.many:
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                fail(f"{path}: unknown ending for a picture; use one of {' '.join(sorted(IMAGE_SUFFIXES))}")
            refuse_path(path, source.paths, "--output")
            return
        if path.exists() and not path.is_dir():
            fail(f"{path}: a file, for {len(source.paths)} pictures; give a folder to --output")
        if not path.parent.is_dir():
            fail(f"{path.parent}: no such folder; make it, or choose another --output")
        doubles = [name for name, n in Counter(file.name for file in source.paths).items() if n > 1]
        if doubles:
            fail(f"{doubles[0]}: the name of two pictures; they can't both go into {path}")
        if path.is_dir() and any(path.samefile(folder) for folder in {file.parent for file in source.paths}):
            fail(f"{path}: holds the sources themselves; choose another --output")

    def write(self, frame: np.ndarray, seconds: float) -> None:
        if self.source.many:
            self.path.mkdir(exist_ok=True)
        write_picture(self.path / Path(self.source.name).name if self.source.many else self.path, frame)
        if self.path not in self.written:
            self.written.append(self.path)

    def close(self) -> None:
        """Nothing is left to do."""


class Table:
    """The CSV, a row per face and frame, on disk within a second."""

    def __init__(self, path: Path, source: Pictures | Video | Camera, emotions: list[str]):
        sources = source.paths if source.still else [Path(source.name)]
        refuse_path(path, sources, "--csv")
        if path.suffix.lower() != ".csv":
            fail(f"{path}: no table's name; give --csv a name that ends with .csv")
        self.path, self.source, self.emotions, self.file = path, source, emotions, None
        self.extra = "clock" if source.live else "file" if source.still and source.many else None

    @contextlib.contextmanager
    def naming(self) -> Iterator[None]:
        """Say for which file the disk is full."""
        try:
            yield
        except OSError as error:
            error.filename = str(self.path)
            raise

    def write(self, number: int, seconds: float, faces: list[Face]) -> None:
        if self.file is None:  # not before the first frame: a source without frames leaves an earlier table as it is
            self.file, self.flushed = self.path.open("w", newline="", encoding="utf-8"), 0.0
            self.began = time.time() - seconds
            self.rows = csv.writer(self.file, lineterminator="\n")
            names = ["frame", "time", "face", "x", "y", "width", "height", "emotion", "confidence", *self.emotions]
            self.rows.writerow(names + [self.extra] * bool(self.extra))
        extra = [self.source.name] * bool(self.extra)
        if self.source.live:
            extra = [datetime.fromtimestamp(self.began + seconds).astimezone().isoformat(timespec="milliseconds")]
        with self.naming():
            for face in faces:
                x, y, side = face.corners()
                row = face.probabilities
                values = [f"{value:.4f}" for value in (row.max(), *row)]
                emotion = self.emotions[row.argmax()]
                self.rows.writerow([number, f"{seconds:.3f}", face.number, x, y, side, side, emotion, *values, *extra])
            if time.monotonic() - self.flushed > 0.5:
                self.file.flush()
                self.flushed = time.monotonic()

    def close(self) -> None:
        if self.file is not None:
            with self.naming():
                self.file.close()


def default_model() -> Path:
    """Return data/model where train.py has made one, else pretrained/ beside this script."""
    made = Path("data/model")
    return made if (made / "emotion.tflite").is_file() else Path(__file__).resolve().parent / "pretrained"


@dataclass
class Loop:
    """A source, what finds and names the faces in it, where they go, and what the keys change."""

    source: Pictures | Video | Camera
    network: Network
    cascade: "cv2.CascadeClassifier"
    smoothing: float
    window: Window | None
    output: Recorder | Album
    table: Table | None
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
        output = stack.enter_context(contextlib.closing((Album if source.still else Recorder)(args.output, source)))
        table = stack.enter_context(contextlib.closing(Table(args.csv, source, network.emotions))) if args.csv else None
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
    source.complain()  # now that all else is safe
    if not loop.frames and not status:
        fail(f"{args.source[0]}: no frame could be read; try another --source")
    raise SystemExit(status)


if __name__ == "__main__":
    on_signals(interrupt)
    run(main)
