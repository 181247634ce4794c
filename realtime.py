"""Name the expression on every face in front of a camera, in a video, a stream or pictures.

Reads   --source SOURCE   a camera, a video, a stream or pictures. The default is the first camera,
                          or a demo if there is no camera
        data/model/emotion.onnx, labels.txt   the network that train.py made. The default is the one
                                              in pretrained/ beside this script
Writes  --output FILE   the annotated picture or video (.mp4, .mov, .mkv, .avi, .webm), or a folder
                        for several. Videos keep their sound if ffmpeg is on the PATH
        --csv FILE      one row per face and frame, and one for a frame without a face: frame, time
                        (seconds), face, x, y, width, height (pixels of the frame in --output),
                        found (1 if the face was seen in this frame), label (the one shown), emotion
                        (the likeliest), confidence, and the probability of each emotion. --neutral
                        adds baseline (0 to 1), a camera adds clock, and several pictures add file
        --collect FOLDER   the largest face as FOLDER/<emotion>/face-….png, 48x48, for
                           `data_preprocessing.py --photos`

Haar cascades find and follow the faces, or YuNet if its file is in data/. The network classifies
all faces of a frame in one pass. Each face's probabilities are averaged over 0.2 s. The label
changes when another emotion leads by 0.3, or by less for 0.8 s. --smoothing 0 turns both off. In
the window, `h` lists the keys and `q` quits. --page shows the video in a browser instead. The
script needs only NumPy and OpenCV, and aiohttp for --page. It prints frames, faces, frames/s and
the share of each label.

Examples:
    python realtime.py
    python realtime.py --source clip.mp4 --output labelled.mp4 --csv faces.csv --headless
    python realtime.py --page --source browser
    python realtime.py --source photos/ --output labelled/ --headless
    python realtime.py --source clip.mp4 --headless --collect my_faces --emotions happy
"""

import argparse
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from common.libraries import required

# OpenCV reads this when it loads. Its messages would clutter our one-line errors
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
# If this is set, FFmpeg prints its errors late, to stdout. Otherwise Overheard collects them from
# stderr
os.environ.pop("OPENCV_FFMPEG_LOGLEVEL", None)
# Without this some cameras take half a minute to open on Windows (OpenCV's issue 17687)
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")

with required("requirements-webcam.txt"):
    from common.command_line import describe, run
    from common.errors import UserError, fail, printable, some_of
    from common.files import PRETRAINED
    from common.stopping import end_at_signals, ignore_signals, signals_held, was_stopped
    from webcam import FaceAnalyzer
    from webcam.detection.detector import choose_detector
    from webcam.display.annotator import Annotator
    from webcam.display.letters import legend
    from webcam.display.viewer import Quit, Screen, Viewer
    from webcam.display.window import Window
    from webcam.hints import Hints
    from webcam.neutral import prepare_baselines
    from webcam.options import parse_arguments
    from webcam.outputs.collector import open_collector
    from webcam.outputs.open import choose_output, name_copies, open_output
    from webcam.outputs.progress import Progress
    from webcam.outputs.sink import Sink
    from webcam.outputs.summary import Summary, print_results
    from webcam.outputs.table import CsvWriter
    from webcam.outputs.video import VideoRecorder
    from webcam.sources.frame import Frames, Picture, Source, oriented
    from webcam.sources.names import without_secrets
    from webcam.sources.open import list_videos, open_first_camera, open_source
    from webcam.sources.overheard import Overheard


def find_model() -> Path:
    """Return data/model if train.py has made one, else the network beside this script."""
    made = Path("data/model")
    return made if (made / "emotion.onnx").is_file() else PRETRAINED


def process(frames: Frames, analyzer: FaceAnalyzer, sinks: list[Sink], summary: Summary) -> None:
    """Analyze, write and show every frame until the frames end or the user quits."""
    for frame in frames:
        if frame is None:  # the camera has no new frame yet
            for sink in sinks:
                sink.idle()
            continue
        summary.begin_frame()
        # 1. Find and classify the faces
        if isinstance(frame, Picture):
            faces = analyzer.analyze_image(frame.image)
        else:
            faces = analyzer.analyze(frame.image, frame.seconds)
        summary.add(faces)
        # 2. Write and show the results
        for sink in sinks:
            sink.write(frame, faces)


@dataclass
class Display:
    """The window or page, or the reason why no window can open, and the libraries' messages."""

    overheard: Overheard
    screen: Screen | None = None
    no_window: str = ""
    camera: Source | None = None  # the page's camera


def open_display(
    args: argparse.Namespace,
    emotions: list[str],
    probe: subprocess.Popen | None,
    stack: contextlib.ExitStack,
) -> Display:
    """Open the page if --page is given, or else a window if `probe` finds that one can open."""
    display = Display(stack.enter_context(Overheard()))  # keeps FFmpeg and Qt off stderr
    if args.page is not None:
        with required("requirements-page.txt"):
            from page.screen import open_page
        page = open_page(args, emotions)
        stack.callback(page.close)
        display.screen, display.camera = page, page.camera
    elif probe:
        display.no_window = Window.why_not(probe)
        display.screen = None if display.no_window else stack.enter_context(Window())
    return display


def choose_source(args: argparse.Namespace, display: Display) -> Source:
    """Open the source that the options name, the first camera, or the demo."""
    if display.camera:
        return display.camera
    window = display.screen is not None
    if args.source or args.size or args.collect or args.rotate:
        return open_source(args.source or ["0"], args.size, display.overheard, window)
    return open_first_camera(display.overheard, window)


def open_sinks(
    args: argparse.Namespace,
    analyzer: FaceAnalyzer,
    display: Display,
    source: Source,
    mirror: bool,
    summary: Summary,
) -> tuple[list[Sink], Viewer | None]:
    """Open the outputs, and the viewer if there is a screen. The viewer is also the last output."""
    screen = display.screen
    baseline = prepare_baselines(analyzer, args.neutral, screen is not None, source.is_webcam)
    names = args.emotions or analyzer.emotions
    collector = open_collector(args.collect, names, screen is not None, source.paths)
    output_path = args.output
    if display.no_window:
        asked = args.output or args.csv or args.collect
        why = display.no_window
        output_path = choose_output(output_path, bool(asked), source, why, args.h264)
    annotator = Annotator(analyzer.emotions, args.bars)
    output = open_output(output_path, source, annotator.annotate, args.h264)
    numbers = legend(analyzer.emotions) if screen or output_path else ""
    if numbers:
        print(f"OpenCV can't draw these names, so it draws numbers ({printable(numbers)})")
    sinks: list[Sink] = [output] if output else []
    if args.csv:
        sinks.append(CsvWriter(args.csv, analyzer.emotions, source, baseline))
    hints = Hints(analyzer.detector, args.rotate, mirror)
    sinks.append(hints)
    if screen:
        recorder = output if isinstance(output, VideoRecorder) else None
        showing = annotator, summary, recorder, collector, bool(args.collect)
        viewer = Viewer(screen, *showing, analyzer)
        hints.show = viewer.warn
        return [*sinks, viewer], viewer
    if args.collect:
        sinks.append(collector)
    if sys.stdout.isatty():
        sinks.append(Progress(source.total, source.unit))
    return sinks, None


def watch(
    args: argparse.Namespace, analyzer: FaceAnalyzer, display: Display, hold: bool = True
) -> int | None:
    """Analyze one source until it ends or someone stops it.

    With `hold`, a window shows the last frame until the user quits. In a window the demo loops.
    Returns None if the source ended, 0 if the user quit, 130 if Ctrl-C or a signal stopped it.
    """
    end_at_signals()
    with contextlib.ExitStack() as stack:  # closes everything in reverse order, also after errors
        # 1. Open the source
        source = choose_source(args, display)
        stack.callback(source.close)
        mirror = source.is_webcam if args.mirror is None else args.mirror
        frames = oriented(source.frames(), args.rotate, mirror)
        # 2. Open the outputs and the viewer
        summary = Summary(source.unit)
        sinks, viewer = open_sinks(args, analyzer, display, source, mirror, summary)
        for sink in sinks:
            stack.callback(sink.close)
        # 3. Process frame by frame
        status: int | None = None
        try:
            process(frames, analyzer, sinks, summary)
            with signals_held():
                for sink in sinks:
                    sink.end(source.end)
            if viewer and hold and source.end is not None:
                viewer.hold()
        except Quit:
            status = 0
        except KeyboardInterrupt:  # the usual way to stop a camera without a window
            status = 130
        finally:
            ignore_signals()
    if summary.frames:
        print_results(summary, sinks)
    source.raise_read_errors()  # the outputs are safe by now
    if not summary.frames and status is None:
        name = args.source[0] if args.source else "0"
        fail(without_secrets(name), "no frame could be read", "try another --source")
    return status


def watch_videos(
    videos: list[Path], args: argparse.Namespace, analyzer: FaceAnalyzer, display: Display
) -> int:
    """Analyze several videos in turn; return the exit status.

    A video that fails does not stop the others. Raises UserError at the end, with all failures.
    """
    outputs = name_copies(videos, args.output, "--output")
    tables = name_copies(videos, args.csv, "--csv")
    failed = []
    for number, (video, output, table) in enumerate(zip(videos, outputs, tables), 1):
        print(f"{number} of {len(videos)}: {printable(str(video))}")
        given = argparse.Namespace(**vars(args))
        given.source, given.output, given.csv = [str(video)], output, table
        # An analyzer remembers faces, so each video needs a new one
        fresh = FaceAnalyzer(analyzer.classifier, analyzer.detector, args.smoothing)
        try:
            last = number == len(videos)
            status = watch(given, fresh, display, hold=last)
        except UserError as error:
            failed.append(str(error))
        except OSError as error:
            failed.append(describe(error))
        else:
            if status is not None or was_stopped():
                break
    if failed:
        raise UserError(f"{len(failed)} of {len(videos)} videos failed: {some_of(failed, '; ')}")
    return 130 if was_stopped() else 0


def main() -> int:
    # 1. Load the network and the detector
    args = parse_arguments(__doc__)
    videos = list_videos(args.source) if args.source else []
    # The probe runs while the network loads
    probe = None if args.headless or args.page is not None else Window.probe()
    model = args.model or find_model()
    detector = choose_detector(args.detector, model)
    analyzer = FaceAnalyzer.load(model, args.smoothing, detector)
    if detector != "haar":
        print(f"detecting faces with YuNet ({detector})")
    if model.resolve() != PRETRAINED:
        print(f"using the network in {model}")
    # 2. Analyze one source, or several videos
    with contextlib.ExitStack() as stack:
        display = open_display(args, analyzer.emotions, probe, stack)
        if videos:
            return watch_videos(videos, args, analyzer, display)
        return watch(args, analyzer, display) or 0


if __name__ == "__main__":
    end_at_signals()  # Ctrl-C also works while libraries and the network load
    run(main)
