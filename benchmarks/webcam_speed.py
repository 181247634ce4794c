"""Time the analysis of frames, and the plain way to do it, in one run.

    python benchmarks/webcam_speed.py [--clips FOLDER] [--passes 3] [--frames 10000]
    python benchmarks/webcam_speed.py [--clips FOLDER] --only-long --frames 100000

Decodes the clips in a folder first; without --clips, moves the sample picture about. Scales the
frames to 640x480, 1280x720 and 1920x1080, analyzes each one and draws its faces, without a window.
The plain way is Haar at (1.3, 5) on the whole gray frame, keras.Model.predict for each face, a
rectangle and a label. The last rows use frames with 4 and 25 copies of one face and its
surroundings, and frames with the faces removed. Only the figures of whole processes include
decoding.

Prints  per size: frames/s, CPU milliseconds, median, p95 and p99 per frame, the shares of detect,
        classify and draw, the plain way's frames/s, and the ratio
        per process: seconds from its start to the first row of the CSV, and peak memory
        for a long run that writes the repeated clips into a video and a CSV: the growth of memory,
        the speed at the start and at the end, and whether the files are complete
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from detection import list_clips
from report import ROOT, Table, add_save

from common.command_line import Parser, positive_int, run
from common.errors import fail
from webcam import FaceAnalyzer
from webcam.analysis.analyzer import Face
from webcam.detection.cascade import load_cascade
from webcam.detection.geometry import widen
from webcam.detection.haar import HaarDetector
from webcam.display.annotator import Annotator
from webcam.display.overlay import draw_faces
from webcam.outputs.table import CsvWriter
from webcam.outputs.video import VideoRecorder
from webcam.sources.frame import Frame, Source, VideoInfo
from webcam.sources.open import open_source

SIZES = [(640, 480), (1280, 720), (1920, 1080)]
RATE = 30.0


def sample_clip() -> list[np.ndarray]:
    """Return frames of the sample picture, moved and scaled a little from frame to frame."""
    picture, frames = cv2.imread(str(ROOT / "samples/astronaut.jpg")), []
    for number in range(120):
        turn, size = 2 * np.pi * number / 120, 1 + 0.1 * np.sin(2 * np.pi * number / 60)
        move = np.array([[size, 0, 64 + 30 * np.cos(turn)], [0, size, 20 * np.sin(turn)]])
        frames.append(cv2.warpAffine(picture, move, (640, 480), borderMode=cv2.BORDER_REPLICATE))
    return frames


def read_clips(folder: Path | None) -> list[np.ndarray]:
    if folder is None:
        return sample_clip()
    return [
        frame.image.copy()
        for path in list_clips(folder)
        for frame in open_source([str(path)], None).frames()
        if frame
    ]


def many_faces(frames: list[np.ndarray], detector: HaarDetector, across: int) -> list[np.ndarray]:
    """Return frames with an `across` by `across` grid of each frame's face, some mirrored."""
    made, face = [], None
    height, width = frames[0].shape[:2]
    for frame in frames:
        faces = detector.detect(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))
        face = max(faces, key=lambda box: box[2], default=face)
        if face is None:
            continue
        # Cut out its surroundings with the frame's proportions
        x, y, side = face[:3]
        rows = min(height, round(max(height / across, 1.6 * side)))
        columns = round(width * rows / height)
        left = min(max(0, round(x + side / 2 - columns / 2)), width - columns)
        top = min(max(0, round(y + side / 2 - rows / 2)), height - rows)
        part = cv2.resize(
            frame[top : top + rows, left : left + columns], (width // across, height // across)
        )
        row = np.hstack([part, part[:, ::-1]] * across)[:, : across * part.shape[1]]
        made.append(np.vstack([row] * across))
    return made


def without_faces(frames: list[np.ndarray], detector: HaarDetector) -> list[np.ndarray]:
    """Return the frames as an empty room, with a gray square wherever any frame has a face."""
    boxes = [
        widen(box, 0.5)
        for frame in frames[:: max(1, len(frames) // 30)]
        for box in detector.detect(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))
    ]
    empty = []
    for frame in frames:
        frame = frame.copy()
        for x, y, side, _ in np.rint(boxes).astype(int):
            frame[max(0, y) : y + side, max(0, x) : x + side] = 128
        empty.append(frame)
    return empty


def timed(method: Callable, spent: dict, name: str) -> Callable:
    """Wrap a method so that each call adds its seconds to `spent[name]`."""

    def call(*arguments):
        start = time.perf_counter()
        result = method(*arguments)
        spent[name] = spent.get(name, 0) + time.perf_counter() - start
        return result

    return call


def run_ours(frames: list[np.ndarray], spent: dict) -> tuple[list[float], float]:
    """Analyze and draw frames; return the seconds of each and the mean number of faces.

    Adds the seconds of each part, and the CPU seconds of all cores, to `spent`.
    """
    analyzer, seconds, count = FaceAnalyzer.load(ROOT / "pretrained"), [], 0
    for part, method, name in (
        (analyzer.tracker, "update", "detect"),
        (analyzer.classifier, "classify", "classify"),
    ):
        setattr(part, method, timed(getattr(part, method), spent, name))
    draw = timed(draw_faces, spent, "draw")
    buffer, cores = np.empty_like(frames[0]), time.process_time()
    for number, frame in enumerate(frames):
        np.copyto(buffer, frame)
        start = time.perf_counter()
        faces = analyzer.analyze(buffer, number / RATE)
        draw(buffer, faces, analyzer.emotions)
        seconds.append(time.perf_counter() - start)
        count += len(faces)
    spent["cores"] = spent.get("cores", 0) + time.process_time() - cores
    return seconds, count / len(frames)


def run_plain(frames: list[np.ndarray], model, emotions: list[str], cascade) -> list[float]:
    seconds = []
    for frame in frames:
        frame = frame.copy()
        start = time.perf_counter()
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        for x, y, width, height in cascade.detectMultiScale(gray, 1.3, 5):
            face = cv2.resize(gray[y : y + height, x : x + width], (48, 48)).reshape(1, 48, 48, 1)
            emotion = emotions[model.predict(face, verbose=0).argmax()]
            cv2.rectangle(frame, (x, y), (x + width, y + height), (255, 0, 0), 2)
            cv2.putText(frame, emotion, (x, y - 10), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 255, 0), 2)
        seconds.append(time.perf_counter() - start)
    return seconds


def speed_table(clip: list[np.ndarray], passes: int, save: bool) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    model = keras.saving.load_model(ROOT / "pretrained/emotion.keras")
    emotions, cascade = FaceAnalyzer.load(ROOT / "pretrained").emotions, load_cascade()
    columns = [
        "frame",
        "faces",
        "frames/s",
        "CPU, ms",
        "median, ms",
        "p95",
        "p99",
        "detect",
        "classify",
        "draw",
    ]
    table = Table("webcam_speed", *columns, "plain, frames/s", "ratio")
    others = [(SIZES[1], many_faces(clip, HaarDetector(), across)) for across in (2, 5)]
    others.append((SIZES[1], without_faces(clip, HaarDetector())))
    for size, source in [*itertools.product(SIZES, [clip]), *others]:
        frames = [cv2.resize(frame, size) for frame in source]
        ours, plain = [], []
        spent: dict[str, float] = {}
        for _ in range(passes):
            seconds, faces = run_ours(frames, spent)
            ours += seconds
            # With many faces, use fewer frames, because each takes seconds
            plain += run_plain(frames[:: max(1, round(faces))], model, emotions, cascade)
        median, p95, p99 = 1000 * np.percentile(ours, [50, 95, 99])
        shares = [f"{spent[name] / sum(ours):.0%}" for name in ("detect", "classify", "draw")]
        fast, slow = len(ours) / sum(ours), len(plain) / sum(plain)
        cores = 1000 * spent["cores"] / len(ours)
        times = (f"{time:.1f}" for time in (cores, median, p95, p99))
        cells = [f"{size[0]}x{size[1]}", f"{faces:.1f}", f"{fast:.0f}", *times, *shares]
        table.add(*cells, f"{slow:.1f}", f"{fast / slow:.1f}")
    table.save(save, f"{len(clip)} frames", f"{passes} passes")


def first_row(command: list, table: Path) -> float:
    """Start realtime.py; return the seconds until the CSV has a row with a face."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None and not (table.is_file() and table.read_text().count("\n") > 1):
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    process.kill()
    process.wait()
    table.unlink()
    return seconds


def process_figures(clip: list[np.ndarray], passes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "faces.csv")
        for size in SIZES:
            video = Path(folder, f"{size[0]}.mp4")
            writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"mp4v"), RATE, size)
            for frame in clip:
                writer.write(cv2.resize(frame, size))
            writer.release()
            command = [
                sys.executable,
                str(ROOT / "realtime.py"),
                "--source",
                str(video),
                "--csv",
                str(table),
            ]
            start = [first_row([*command, "--headless"], table) for _ in range(3 * passes)]
            process = subprocess.Popen([*command, "--headless"], stdout=subprocess.DEVNULL)
            peak = 0.0
            # The child's rusage would include this process's memory before the exec
            while process.poll() is None:
                for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                    if "VmHWM" in line:
                        peak = max(peak, float(line.split()[1]) / 1024)
                time.sleep(0.005)
            table.unlink()
            seen = f"first face named after {np.median(start):.2f} s (at most {max(start):.2f})"
            if size == SIZES[0] and os.environ.get("DISPLAY"):
                shown = [first_row(command, table) for _ in range(3 * passes)]
                seen += f", with a window {np.median(shown):.2f} s (at most {max(shown):.2f})"
            print(
                f"- {size[0]}x{size[1]} video, a process of its own: {seen}; peak memory {peak:.0f} MB",
                flush=True,
            )


def memory_held() -> float:
    """Return the memory of this process in MB. Works on Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def long_run(clip: list[np.ndarray], count: int) -> None:
    """Print the memory growth of a long run after its first 1,000 frames, and its speed."""
    analyzer, frames = (
        FaceAnalyzer.load(ROOT / "pretrained"),
        [cv2.resize(frame, SIZES[0]) for frame in clip],
    )
    held, times, seen = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        # Use MKV, since FFmpeg keeps an MP4's index in memory until the file is closed
        video, table = Path(folder, "out.mkv"), Path(folder, "out.csv")
        annotator = Annotator(analyzer.emotions, bars=False)
        source = Source([])
        source.info = VideoInfo(RATE)
        output = VideoRecorder(video, source, annotator.annotate)
        rows = CsvWriter(table, analyzer.emotions, source)
        for number, picture in enumerate(itertools.islice(itertools.cycle(frames), count)):
            frame = Frame(picture, number / RATE)
            faces: list[Face] = analyzer.analyze(frame.image, frame.seconds)
            rows.write(frame, faces)
            output.write(frame, faces)
            seen += len(faces)
            if (number + 1) % 1000 == 0:
                held.append(memory_held())
                times.append(time.perf_counter())
        output.close()
        rows.close()
        recorded, lines = 0, table.read_text().split("\n")
        capture = cv2.VideoCapture(str(video))
        while capture.grab():
            recorded += 1
    whole = len({line.count(",") for line in lines[:-1]}) == 1 and lines[-1] == ""
    took = np.diff(times)
    tenth = max(1, len(took) // 10)
    speeds = [1000 / part.mean() for part in (took[:tenth], took[-tenth:])]
    print(
        f"- {count:,} frames of 640x480 into a video and a CSV: memory {held[-1] - held[0]:+.1f} MB"
    )
    print(
        f"  after the first 1,000 (at most {max(held) - held[0]:+.1f} MB); {speeds[0]:.0f} frames/s"
    )
    print(
        f"  in the first tenth, {speeds[1]:.0f} in the last; {recorded:,} frames can be played; {len(lines) - 2:,} rows"
    )
    print(f"  for {seen:,} faces, {'all' if whole else 'NOT all'} whole", flush=True)


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument(
        "--clips", type=Path, help="folder of videos (the sample picture in motion)"
    )
    parser.add_argument(
        "--passes",
        type=positive_int,
        default=3,
        help="how often to analyze every frame (%(default)s)",
    )
    parser.add_argument("--frames", type=int, default=10_000, help="in the long run (%(default)s)")
    parser.add_argument("--only-long", action="store_true", help="only the long run")
    add_save(parser)
    args = parser.parse_args()
    clip = read_clips(args.clips)
    if not clip:
        fail(args.clips, "no video that OpenCV can read", "give a folder of videos to --clips")
    if args.frames < 3000:
        fail(f"--frames {args.frames}", "too few to tell growth", "give 3,000 or more")
    if args.only_long:
        return long_run(clip, args.frames)
    speed_table(clip, args.passes, args.save)
    process_figures(clip, args.passes)
    # Run this in a new process without Keras, whose memory would count
    subprocess.run([sys.executable, __file__, *sys.argv[1:], "--only-long"], check=True)


if __name__ == "__main__":
    run(main)
