"""Name the expression on every face in front of a camera, in a video, a stream or pictures.

Reads   --source SOURCE   a camera, the first one unless another is given, a video, a stream, pictures;
                          a demo where there is no camera
        data/model/emotion.onnx, labels.txt   the network that train.py made, or else the one in
                                              pretrained/ beside this script
Writes  --output FILE   the annotated video (.mp4, .mov, .mkv, .avi, .webm), with the sound of its
                        source where ffmpeg is on the PATH, or picture; a folder for several
        --csv FILE      a row per face and frame: frame, time (seconds), face, x, y, width, height
                        (pixels of the frame as --output has it), found (1 if it was seen in this
                        very frame), label (as shown), emotion (the likeliest), confidence, and the
                        probability of each emotion; with --neutral also baseline (0 to 1), for a
                        camera the clock, for many pictures the file
        --collect FOLDER   the largest face as FOLDER/<emotion>/face-….png, 48x48, for
                        `data_preprocessing.py --photos`

Haar cascades find the faces and follow them, or YuNet where its file lies in data/. One pass of the
network names the faces of a frame. Each face's probabilities are averaged over 0.2 s. The label
changes when another emotion leads by 0.3, or by less for 0.8 s; --smoothing 0 turns both off. In
the window, `h` lists the keys and `q` quits. Needs NumPy and OpenCV alone. Prints frames, faces,
frames/s and the share of each label.

Examples:
    python realtime.py
    python realtime.py --source clip.mp4 --output labelled.mp4 --csv faces.csv --headless
    python realtime.py --source photos/ --output labelled/ --headless
    python realtime.py --source clip.mp4 --headless --collect my_faces --emotions happy
"""

import argparse
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from common.libraries import required

# Before OpenCV loads: keep its messages off stderr, where an error is one line
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
# With it FFmpeg's errors would go to stdout, late; without it to stderr, where Overheard takes them
os.environ.pop("OPENCV_FFMPEG_LOGLEVEL", None)
# Without this some cameras take half a minute to open on Windows (OpenCV's issue 17687)
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")

with required("requirements-webcam.txt"):
    from common.command_line import run
    from common.errors import fail
    from common.files import PRETRAINED
    from webcam import FaceAnalyzer
    from webcam.detection.detector import choose_detector
    from webcam.display.annotator import Annotator
    from webcam.display.viewer import Quit, Viewer
    from webcam.display.window import Window
    from webcam.neutral import prepare_baselines
    from webcam.options import parse_arguments
    from webcam.outputs.collector import open_collector
    from webcam.outputs.open import name_output, open_output
    from webcam.outputs.sink import Sink
    from webcam.outputs.summary import Summary
    from webcam.outputs.table import CsvWriter
    from webcam.outputs.video import VideoRecorder
    from webcam.sources.camera import CameraSource
    from webcam.sources.frame import Frames, Picture, Source, mirrored
    from webcam.sources.images import ImageSource
    from webcam.sources.names import is_camera, without_secrets
    from webcam.sources.open import open_first_camera, open_source
    from webcam.sources.overheard import Overheard


def find_model() -> Path:
    """Return data/model if train.py has made one, else the network beside this script."""
    made = Path("data/model")
    return made if (made / "emotion.onnx").is_file() else PRETRAINED


def process(frames: Frames, analyzer: FaceAnalyzer, sinks: list[Sink], summary: Summary) -> None:
    """Name the faces of every frame, until the frames end or the user quits."""
    for frame in frames:
        if frame is None:  # a camera has no new one
            for sink in sinks:
                sink.idle()
            continue
        summary.begin_frame()
        # 1. Find the faces and name them
        if isinstance(frame, Picture):
            faces = analyzer.analyze_image(frame.image)
        else:
            faces = analyzer.analyze(frame.image, frame.seconds)
        summary.add(faces)
        # 2. Write and show them
        for sink in sinks:
            sink.write(frame, faces)


def on_signals(handler: Callable) -> None:
    """Set the handler of Ctrl-C, `kill` and a closed terminal, but where `nohup` ignores them."""
    for name in {"SIGINT", "SIGTERM", "SIGHUP"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), handler)


def interrupt(number: int, frame: object) -> NoReturn:
    """End the loop at the first signal; further ones are ignored while the files are closed."""
    on_signals(lambda number, frame: None)
    raise KeyboardInterrupt


def choose_output(args: argparse.Namespace, source: Source) -> Path | None:
    """Return the file to write in place of a window that can't open; print a line on it."""
    nothing_asked = not (args.output or args.csv or args.collect)
    output = name_output(source) if nothing_asked else args.output
    where = f"writing {output} instead" if output else "going on without"
    print(f"no window can open (no display, or opencv-python-headless): {where}")
    return output


def print_results(summary: Summary, sinks: list[Sink]) -> None:
    """Print the summary, the files written, and notes on them."""
    print(summary)
    for line in (line for sink in sinks for line in sink.report()):
        print(f"wrote {line}")
    for note in (note for sink in sinks for note in sink.notes):
        print(note)


def main() -> int:
    # 1. The network and the detector
    args = parse_arguments(__doc__)
    probe = None if args.headless else Window.probe()  # while it runs, the network is loaded
    model = args.model or find_model()
    detector = choose_detector(args.detector, model)
    analyzer = FaceAnalyzer.load(model, args.smoothing, detector)
    if detector != "haar":
        print(f"YuNet finds the faces ({detector})")
    if model.resolve() != PRETRAINED:
        print(f"the network is that in {model}")
    with contextlib.ExitStack() as stack:  # closed in reverse order, whatever goes wrong
        # 2. What is read
        overheard = stack.enter_context(Overheard())  # keeps FFmpeg's and Qt's messages off stderr
        if args.source or args.size or args.collect:
            source = open_source(args.source or ["0"], args.size, overheard)
        else:
            source = open_first_camera(overheard)
        stack.callback(source.close)
        is_webcam = isinstance(source, CameraSource) and is_camera(source.name)
        mirror = is_webcam if args.mirror is None else args.mirror
        frames = mirrored(source.frames()) if mirror else source.frames()
        # 3. What is shown and written
        window = stack.enter_context(Window()) if probe and not probe.wait() else None
        baseline = prepare_baselines(analyzer, args.neutral, bool(window), is_webcam)
        names = args.emotions or analyzer.emotions
        collector = open_collector(args.collect, names, window is not None, source.paths)
        no_window = probe and not window
        output_path = choose_output(args, source) if no_window else args.output
        summary = Summary("picture" if isinstance(source, ImageSource) else "frame")
        annotator = Annotator(analyzer.emotions, args.bars)
        output = open_output(output_path, source, annotator.annotate, args.h264)
        sinks: list[Sink] = [output] if output else []
        if args.csv:
            sinks.append(CsvWriter(args.csv, analyzer.emotions, source, baseline))
        if window:
            recorder = output if isinstance(output, VideoRecorder) else None
            showing = annotator, summary, recorder, collector, bool(args.collect)
            sinks.append(Viewer(window, *showing, analyzer))
        elif args.collect:
            sinks.append(collector)
        for sink in sinks:
            stack.callback(sink.close)
        # 4. Frame by frame
        status = 0
        try:
            process(frames, analyzer, sinks, summary)
            for sink in sinks:
                sink.end(source.end)
        except Quit:
            pass
        except KeyboardInterrupt:  # the usual end of a camera without a window
            status = 130
        finally:
            on_signals(lambda number, frame: None)
    if summary.frames:
        print_results(summary, sinks)
    source.raise_read_errors()  # now that all else is safe
    if not summary.frames and not status:
        name = args.source[0] if args.source else "0"
        fail(without_secrets(name), "no frame could be read", "try another --source")
    return status


if __name__ == "__main__":
    on_signals(interrupt)
    run(main)
