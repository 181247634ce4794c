"""Name the expression on every face in front of a camera, in a video, a stream or a picture.

    python realtime.py                                                   the first camera, in a window
    python realtime.py --source clip.mp4 --output labelled.mp4 --headless
    python realtime.py --source photo.jpg --output labelled.jpg --csv faces.csv --headless

Reads   data/model/emotion.tflite, labels.txt   the network that train.py made, or else pretrained/ beside this script
Writes  --output FILE   the annotated video (.mp4, .mov, .mkv, .avi) or picture
        --csv FILE      a row per face and frame: frame, time (seconds), face, x, y, width, height (pixels), emotion,
                        confidence, and the probability of each emotion

A Haar cascade finds the faces, one pass of the network names all faces of a frame. `q` or Esc quits. Needs NumPy and
OpenCV alone. Prints frames, faces, frames/s and the share of each emotion.
"""

import argparse
import contextlib
import csv
import os
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import folders

os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # what OpenCV and FFmpeg say on stderr, where an error is one line
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
try:
    import cv2
except ImportError as error:
    folders.fail(f"OpenCV can't be loaded ({error}); `apt-get install libgl1`, or `pip install -r requirements.txt`")

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
COLUMNS = ["frame", "time", "face", "x", "y", "width", "height", "emotion", "confidence"]  # then one per emotion
CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
SEARCH_HEIGHT = 480  # lines: a larger frame is searched reduced to this. A webcam face there is 80 pixels or more high
SCALE_FACTOR, MIN_NEIGHBORS = 1.1, 5  # finds 96 % of faces on 640x480 webcam frames; (1.3, 5) finds 79 %
MIN_FACE = 40  # pixels on the searched frame
# Okabe and Ito's palette, told apart by colour-blind readers too; red, green, blue
PALETTE = ["e69f00", "56b4e9", "009e73", "f0e442", "0072b2", "d55e00", "cc79a7", "bebebe"]
COLORS = [tuple(bytes.fromhex(color)[::-1]) for color in PALETTE]  # OpenCV wants blue, green, red


@dataclass
class Network:
    """A TFLite network in cv2.dnn, its emotions in the order of its outputs, and its input's height and width."""

    net: "cv2.dnn.Net"
    emotions: list[str]
    height: int
    width: int


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
            folders.fail(f"{file}: no such file; make it with `python train.py`, or choose another --model")
    emotions = labels.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    try:
        _, height, width, channels = input_shape(path.read_bytes())
        if not all(0 < size <= 1024 for size in (height, width, channels)):
            raise ValueError("no image goes in")
        net = cv2.dnn.readNetFromTFLite(str(path))
        net.setInput(np.zeros((1, channels, height, width), np.float32))
        outputs = net.forward().size
    except (cv2.error, struct.error, ValueError):
        folders.fail(
            f"{path}: not a TFLite network that OpenCV can read; make it again with `python train.py --export`"
        )
    if channels != 1:
        folders.fail(f"{path}: takes {channels} channels, not 1 (gray); train it with train.py")
    if len({emotion.strip() for emotion in emotions} - {""}) != len(emotions):
        folders.fail(f"{labels}: a blank or repeated label; copy it again from beside the network")
    if outputs != len(emotions):
        folders.fail(f"{labels}: {len(emotions)} labels for a network of {outputs} outputs; copy both again")
    return Network(net, emotions, height, width)


def load_cascade() -> "cv2.CascadeClassifier":
    if not hasattr(cv2, "CascadeClassifier"):
        folders.fail(f"OpenCV {cv2.__version__} has no Haar cascades; run `pip install 'opencv-python>=4.12,<5'`")
    path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        folders.fail(f"{path}: can't be read; run `pip install --force-reinstall 'opencv-python>=4.12,<5'`")
    return cascade


def detect(gray: np.ndarray, cascade: "cv2.CascadeClassifier") -> list[tuple[int, int, int, int]]:
    """Return the faces' boxes (x, y, width, height) in pixels of `gray`, uint8 (height, width), from left to right."""
    scale = max(1.0, gray.shape[0] / SEARCH_HEIGHT)
    if scale > 1:
        size = (max(1, round(gray.shape[1] / scale)), SEARCH_HEIGHT)
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    boxes = cascade.detectMultiScale(gray, SCALE_FACTOR, MIN_NEIGHBORS, minSize=(MIN_FACE, MIN_FACE))
    return sorted(tuple(round(int(value) * scale) for value in box) for box in boxes)


def crop(gray: np.ndarray, box: tuple[int, int, int, int], network: Network) -> np.ndarray:
    """Return the face as the network takes it, uint8 (height, width); what lies outside the frame repeats its edge."""
    x, y, width, height = box
    above, left = max(0, -y), max(0, -x)
    below, right = max(0, y + height - gray.shape[0]), max(0, x + width - gray.shape[1])
    face = gray[max(0, y) : y + height, max(0, x) : x + width]
    face = cv2.copyMakeBorder(face, above, below, left, right, cv2.BORDER_REPLICATE)
    return cv2.resize(face, (network.width, network.height), interpolation=cv2.INTER_AREA)


def classify(gray: np.ndarray, boxes: list[tuple[int, int, int, int]], network: Network) -> np.ndarray:
    """Return the probabilities, float32 (faces, emotions), of all faces of a frame in one pass."""
    if not boxes:
        return np.empty((0, len(network.emotions)), np.float32)
    network.net.setInput(np.stack([crop(gray, box, network) for box in boxes])[:, None].astype(np.float32))
    return network.net.forward()


def draw(
    frame: np.ndarray, boxes: list[tuple[int, int, int, int]], probabilities: np.ndarray, emotions: list[str]
) -> None:
    """Draw each face's box, emotion and confidence into `frame`; lines and letters grow with the frame."""
    size = max(0.4, min(frame.shape[:2]) / 640)
    thick = max(1, round(2 * size))
    for (x, y, width, height), row in zip(boxes, probabilities):
        color = COLORS[int(row.argmax()) % len(COLORS)]
        text = f"{emotions[row.argmax()]} {row.max():.0%}"
        (text_width, text_height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thick)
        pad = base // 2 + 2
        tall = text_height + base + pad
        left = max(0, min(x, frame.shape[1] - text_width - 2 * pad))
        top = y - tall if y >= tall else min(y + height, frame.shape[0] - tall)
        cv2.rectangle(frame, (x, y), (x + width, y + height), color, thick, cv2.LINE_AA)
        cv2.rectangle(frame, (left, top), (left + text_width + 2 * pad, top + tall), color, cv2.FILLED)
        place = (left + pad, top + text_height + pad)
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), thick, cv2.LINE_AA)


@dataclass
class Source:
    """Where frames come from: a `picture`, or a `capture` that is `live` for a camera or stream; `rate` in frames/s."""

    name: str
    capture: "cv2.VideoCapture | None" = None
    picture: np.ndarray | None = None
    live: bool = False
    rate: float = 30.0

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield (seconds, BGR frame): media time for files, time since the start for cameras and streams."""
        if self.picture is not None:
            yield 0.0, self.picture
            return
        start, number = time.monotonic(), 0
        while True:
            there, frame = self.capture.read()
            if not there:
                return
            yield (time.monotonic() - start if self.live else number / self.rate), frame
            number += 1


def open_source(name: str) -> Source:
    """Open a camera (a number), a picture, a video file or a stream (a URL); fails when it gives no frame."""
    camera, stream = name.isascii() and name.isdecimal() and len(name) < 4, "://" in name
    if not camera and not stream and not Path(name).is_file():
        folders.fail(f"{name}: no such file; give a camera number, a video, a picture or a stream's URL to --source")
    if not camera and not stream and Path(name).suffix.lower() in IMAGE_SUFFIXES:
        try:
            picture = cv2.imread(name, cv2.IMREAD_COLOR)
        except cv2.error:  # more pixels than OpenCV takes
            picture = None
        if picture is None:
            folders.fail(f"{name}: not a picture that OpenCV can read; convert it to PNG or JPEG")
        return Source(name, picture=picture)
    capture = cv2.VideoCapture(int(name)) if camera else cv2.VideoCapture(name)
    if not capture.isOpened():
        what = "no such camera, or another program holds it; try --source 1, or a video file" if camera else (
            "not a stream that answers" if stream else "not a video that OpenCV can read; convert it to MP4"
        )  # fmt: skip
        folders.fail(f"{name}: {what}")
    rate = capture.get(cv2.CAP_PROP_FPS)
    return Source(name, capture, live=camera or stream, rate=rate if 0 < rate <= 1000 else 30.0)


class Window:
    """A window on the screen. `closed` once the user has quit."""

    TITLE = "Facial expressions (q quits)"

    def __init__(self, source: Source):
        self.source, self.closed, self.shown = source, False, None
        # Without a display OpenCV's window toolkit aborts the process that asks for a window: let another one ask
        ask = [sys.executable, "-c", "import cv2; cv2.namedWindow('?')"]
        if subprocess.run(ask, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            what = "no display to open a window on, or opencv-python-headless, which has no windows"
            folders.fail(f"{what}; use --headless with --output or --csv")
        cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)

    def show(self, frame: np.ndarray) -> None:
        """Show a frame for as long as it lasts: a picture until a key is pressed, a file's frame at its own rate."""
        if self.shown is None:
            cv2.resizeWindow(self.TITLE, frame.shape[1], frame.shape[0])
        cv2.imshow(self.TITLE, frame)
        still = self.source.picture is not None
        while True:
            now = time.monotonic()
            left = 0 if self.source.live or self.shown is None else self.shown + 1 / self.source.rate - now
            key = cv2.waitKey(50 if still else max(1, int(1000 * left))) & 0xFF
            self.closed = key in (ord("q"), 27) or cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) < 1
            if self.closed or not still or key != 0xFF:
                break
        self.shown = time.monotonic()

    def close(self) -> None:
        cv2.destroyAllWindows()


class Output:
    """The annotated video or picture, written beside its place and moved there once it is whole."""

    def __init__(self, path: Path, source: Source):
        self.path, self.source, self.writer, self.count = path, source, None, 0
        suffixes = CODECS if source.picture is None else IMAGE_SUFFIXES
        if path.suffix.lower() not in suffixes:
            folders.fail(f"{path}: unknown ending for this source; use one of {' '.join(sorted(suffixes))}")
        self.part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        refuse_path(path, source, "--output")

    def write(self, frame: np.ndarray) -> None:
        self.count += 1
        if self.source.picture is not None:
            self.finish(cv2.imwrite(str(self.part), frame))
            return
        if self.writer is None:
            code = cv2.VideoWriter_fourcc(*CODECS[self.path.suffix.lower()])
            self.writer = cv2.VideoWriter(str(self.part), code, self.source.rate, frame.shape[1::-1])
            if not self.writer.isOpened():
                self.finish(False)
        self.writer.write(frame)

    def finish(self, whole: bool) -> None:
        if not whole:
            self.part.unlink(missing_ok=True)
            folders.fail(f"{self.path}: can't be written (disk full, or a codec is missing); choose another --output")
        os.replace(self.part, self.path)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.release()
            # The writer never says that it failed, on a full disk neither: see whether the last frame can be read
            video = cv2.VideoCapture(str(self.part))
            video.set(cv2.CAP_PROP_POS_FRAMES, self.count - 1)
            self.finish(video.read()[0])


def refuse_path(path: Path, source: Source, option: str) -> None:
    """Fail when a file can't be written at `path`, or would replace the source."""
    if not path.parent.is_dir():
        folders.fail(f"{path.parent}: no such folder; make it, or choose another {option}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        folders.fail(f"{path}: can't be written; choose another {option}")
    if path.exists() and Path(source.name).exists() and path.samefile(source.name):
        folders.fail(f"{path}: is the source itself; choose another {option}")


class Table:
    """The CSV, a row per face and frame, on disk within a second."""

    def __init__(self, path: Path, source: Source, emotions: list[str]):
        refuse_path(path, source, "--csv")
        if path.suffix.lower() != ".csv":
            folders.fail(f"{path}: no table's name; give --csv a name that ends with .csv")
        self.path, self.emotions, self.file = path, emotions, None

    def write(self, number: int, seconds: float, boxes: list, probabilities: np.ndarray) -> None:
        if self.file is None:  # not before the first frame: a source without frames leaves an earlier table as it is
            self.file, self.flushed = self.path.open("w", newline="", encoding="utf-8"), 0.0
            self.rows = csv.writer(self.file, lineterminator="\n")
            self.rows.writerow([*COLUMNS, *self.emotions])
        for face, (box, row) in enumerate(zip(boxes, probabilities)):
            values = [f"{value:.4f}" for value in (row.max(), *row)]
            self.rows.writerow([number, f"{seconds:.3f}", face, *box, self.emotions[row.argmax()], *values])
        if time.monotonic() - self.flushed > 0.5:
            self.file.flush()
            self.flushed = time.monotonic()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


def default_model() -> Path:
    """Return data/model where train.py has made one, else pretrained/ beside this script."""
    made = Path("data/model")
    return made if (made / "emotion.tflite").is_file() else Path(__file__).resolve().parent / "pretrained"


@dataclass
class Tally:
    """What the summary counts: frames, faces per emotion, seconds since the loop began."""

    frames: int = 0
    emotions: Counter = field(default_factory=Counter)
    start: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        faces = self.emotions.total()
        rate = self.frames / (time.monotonic() - self.start)
        shares = [f"{emotion} {count / faces:.0%}" for emotion, count in self.emotions.most_common()]
        return f"{self.frames:,} frames, {faces:,} faces, {rate:.1f} frames/s" + "; " * bool(faces) + ", ".join(shares)


def loop(
    source: Source, network: Network, cascade: "cv2.CascadeClassifier", window, output, table, tally: Tally
) -> None:
    """Name the faces of every frame until the source ends or the user quits."""
    for seconds, frame in source.frames():
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        boxes = detect(gray, cascade)
        probabilities = classify(gray, boxes, network)
        if window or output:
            draw(frame, boxes, probabilities, network.emotions)
        if output:
            output.write(frame)
        if table:
            table.write(tally.frames, seconds, boxes, probabilities)
        tally.frames += 1
        tally.emotions.update(network.emotions[row.argmax()] for row in probabilities)
        if window:
            window.show(frame)
            if window.closed:
                break


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="0", help="camera number, video, picture, or stream URL (%(default)s)")
    parser.add_argument("--model", type=Path, help="model folder (data/model, or else pretrained beside this script)")
    parser.add_argument("--headless", action="store_true", help="no window")
    parser.add_argument("--output", type=Path, help="annotated video, or picture for a picture")
    parser.add_argument("--csv", type=Path, help="table of faces")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    network, cascade = load_network(args.model or default_model()), load_cascade()
    source = open_source(args.source)
    with contextlib.ExitStack() as stack:
        window = None if args.headless else stack.enter_context(contextlib.closing(Window(source)))
        output = stack.enter_context(contextlib.closing(Output(args.output, source))) if args.output else None
        table = stack.enter_context(contextlib.closing(Table(args.csv, source, network.emotions))) if args.csv else None
        tally, status = Tally(), 0
        try:
            loop(source, network, cascade, window, output, table, tally)
        except KeyboardInterrupt:  # how a camera without a window is stopped: the files are whole then too
            status = 130
    if not tally.frames and not status:
        folders.fail(f"{args.source}: no frame could be read; try another --source")
    print(tally)
    for path in filter(None, (args.output, args.csv)) if tally.frames else ():
        print(f"wrote {path}")
    raise SystemExit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that files are closed, and playable, then too
    folders.run(main)
