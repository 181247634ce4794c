"""Name the expression on every face in front of a camera, in a video, a stream or pictures.

    python realtime.py                                                   the first camera, in a window
    python realtime.py --source clip.mp4 --output labelled.mp4 --csv faces.csv --headless
    python realtime.py --source photos/ --output labelled/ --headless    every picture of a folder

Reads   data/model/emotion.tflite, labels.txt   the network that train.py made, or else pretrained/ beside this script
Writes  --output FILE   the annotated video (.mp4, .mov, .mkv, .avi) or picture; a folder for a folder of pictures
        --csv FILE      a row per face and frame: frame, time (seconds), face, x, y, width, height (pixels of the frame
                        as --output has it), emotion, confidence, and the probability of each emotion; for a camera
                        also the clock, for many pictures the file

A Haar cascade finds the faces and follows them, one pass of the network names all faces of a frame, and each face's
probabilities are smoothed over time. In the window, `h` lists the keys and `q` quits. Needs NumPy and OpenCV alone.
Prints frames, faces, frames/s and the share of each emotion.
"""

import argparse
import contextlib
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from common.command_line import Parser, run, seconds
from common.errors import fail

os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # what OpenCV and FFmpeg say on stderr, where an error is one line
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Without this some cameras take half a minute to open on Windows (github.com/opencv/opencv/issues/17687)
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
try:
    import cv2
except ImportError as error:
    raise SystemExit(
        f"error: OpenCV can't be loaded ({error}); `apt-get install libgl1`, or `pip install -r requirements.txt`"
    ) from None

from webcam import FaceAnalyzer
from webcam.analyzer import SMOOTHING
from webcam.camera import CameraSource, is_camera
from webcam.overlay import draw_faces
from webcam.recorder import VideoRecorder
from webcam.sources import ImageSource, Source, open_source
from webcam.summary import Summary
from webcam.viewer import Viewer
from webcam.window import Window
from webcam.writers import CsvWriter, ImageWriter


def frame_size(text: str) -> tuple[int, int]:
    """Return the width and height, in pixels, of `1280x720`."""
    if not re.fullmatch("[1-9][0-9]{0,4}x[1-9][0-9]{0,4}", text.lower()):
        raise argparse.ArgumentTypeError(f"{text}: give width and height in pixels, such as 1280x720")
    width, height = text.lower().split("x")
    return int(width), int(height)


def parse_arguments() -> argparse.Namespace:
    parser = Parser(__doc__)
    sources = "camera number, video, stream URL, or pictures: files, folders, 'patterns*' (%(default)s)"
    parser.add_argument("--source", nargs="+", default=["0"], help=sources)
    parser.add_argument("--model", type=Path, help="model folder (data/model, or else pretrained beside this script)")
    parser.add_argument("--headless", action="store_true", help="no window")
    parser.add_argument("--output", type=Path, help="annotated video or picture; a folder for several pictures")
    parser.add_argument("--csv", type=Path, help="table of faces")
    parser.add_argument(
        "--size", type=frame_size, metavar="WIDTHxHEIGHT", help="to ask the camera for, such as 1280x720 (its own)"
    )
    mirror = "as in a mirror (for a camera, not for other sources)"
    parser.add_argument("--mirror", action=argparse.BooleanOptionalAction, help=mirror)
    parser.add_argument("--bars", action="store_true", help="draw the probabilities of all emotions")
    smoothing = "time over which a face's probabilities are averaged, 0 for none (%(default)s)"
    parser.add_argument("--smoothing", type=seconds, default=SMOOTHING, metavar="SECONDS", help=smoothing)
    return parser.parse_args()


def default_model() -> Path:
    """Return data/model where train.py has made one, else pretrained/ beside this script."""
    made = Path("data/model")
    return made if (made / "emotion.tflite").is_file() else Path(__file__).resolve().parent / "pretrained"


def open_output(path: Path | None, source: Source) -> VideoRecorder | ImageWriter:
    """Return where annotated frames of a source go."""
    if isinstance(source, ImageSource):
        return ImageWriter(path, source)
    return VideoRecorder(path, source.rate, every_frame=not isinstance(source, CameraSource), paths=source.paths)


def process(
    source: Source,
    analyzer: FaceAnalyzer,
    output: VideoRecorder | ImageWriter,
    table: CsvWriter | None,
    viewer: Viewer | None,
    summary: Summary,
    mirror: bool,
    bars: bool,
) -> None:
    """Name the faces of every frame, until the source ends or the user quits."""
    for frame in source.frames():
        if frame.picture is None:  # a camera that has no new one
            if viewer and viewer.wait_for_frame():
                summary.skip_pause()
        else:
            summary.begin_frame()
            picture = cv2.flip(frame.picture, 1) if mirror else frame.picture
            if isinstance(source, ImageSource):
                faces = analyzer.analyze_image(picture)
            else:
                faces = analyzer.analyze(picture, frame.seconds)
            if table:
                table.write(summary.frames, frame, faces)
            summary.add(faces)
            if viewer or output.active:
                bars = viewer.bars if viewer else bars
                annotated = picture.copy() if viewer else picture  # a key may ask for it to be drawn anew
                draw_faces(annotated, faces, analyzer.emotions, bars)
                output.write(annotated, frame)
                if viewer and viewer.show(picture, annotated, faces, summary.rate):
                    summary.skip_pause()
        if viewer and viewer.quit:
            return


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
    analyzer = FaceAnalyzer.load(args.model or default_model(), args.smoothing)
    source, summary, status = open_source(args.source, args.size), Summary(), 0
    mirror = isinstance(source, CameraSource) and is_camera(source.name) if args.mirror is None else args.mirror
    with contextlib.ExitStack() as stack:
        stack.callback(source.close)
        window = Window(probe) if probe else None
        if window:
            stack.callback(cv2.destroyAllWindows)
        output = stack.enter_context(contextlib.closing(open_output(args.output, source)))
        viewer = Viewer(window, output, analyzer.emotions, args.bars, source.frame_seconds) if window else None
        table = CsvWriter(args.csv, analyzer.emotions, source.tag_column, source.paths) if args.csv else None
        stack.callback(table.close if table else int)
        try:
            process(source, analyzer, output, table, viewer, summary, mirror, args.bars)
        except KeyboardInterrupt:  # how a camera without a window is stopped: the files are whole then too
            status = 130
        finally:
            on_signals(lambda number, frame: None)
    if summary.frames:
        print(summary)
        for path in output.written + (viewer.written if viewer else []) + ([args.csv] if args.csv else []):
            print(f"wrote {path}")
    source.raise_read_errors()  # now that all else is safe
    if not summary.frames and not status:
        fail(f"{args.source[0]}: no frame could be read; try another --source")
    raise SystemExit(status)


if __name__ == "__main__":
    on_signals(interrupt)
    run(main)
