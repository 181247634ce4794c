"""Count how often realtime.py and a Haar cascade on every full frame find the face in clips.

    python benchmarks/detection.py --clips FOLDER

Each clip is scaled to 640x480, 1280x720 and 1920x1080 (the last two widen a 4:3 clip's faces by a
third). The reference is detectMultiScale(1.1, 5) on the whole gray frame. The true faces come from
the reference at 640x480: boxes that also occur in two thirds of the frames at most seven frames
away, since a face does not come and go.

    found   frames in which a box overlaps a true face (intersection over union above 0.5)
    false   boxes that overlap no true face at most seven frames away
"""

from pathlib import Path

import cv2
import numpy as np
from report import Table, add_save

from common.command_line import Parser, run
from webcam.analysis.tracker import Tracker
from webcam.detection.cascade import load_cascade
from webcam.detection.geometry import iou
from webcam.detection.haar import HaarDetector
from webcam.outputs.video import CODECS
from webcam.sources.open import open_source

NEAR = 7  # frames
SIZES = [(640, 480), (1280, 720), (1920, 1080)]


def noise(shape: tuple[int, int]) -> np.ndarray:
    """Return the same noise for each frame, so that no clip depends on earlier ones."""
    return np.random.default_rng(0).normal(0, 2, shape)


CONDITIONS = {
    "as it is": lambda gray: gray,
    "30 % of the light": lambda gray: gray * 0.3,
    "10 % of the light, noise of 2": lambda gray: gray * 0.1 + noise(gray.shape),
    "gamma 3": lambda gray: 255 * (gray / 255) ** 3,
    "10 % of the contrast": lambda gray: 110 + (gray - 110.0) * 0.1,
    "before a bright window": lambda gray: np.where(
        np.arange(gray.shape[1]) < gray.shape[1] / 4, 250, gray * 0.25
    ),
}


def list_clips(folder: Path) -> list[Path]:
    """Return the videos in a folder."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in CODECS)


def read(path: Path, size: tuple[int, int]) -> list[np.ndarray]:
    frames = (frame.image for frame in open_source([str(path)], None).frames() if frame)
    return [
        cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        for frame in frames
    ]


def whole(frames: list[np.ndarray], cascade) -> list[list[np.ndarray]]:
    return [
        [np.array(box[:3], float) for box in cascade.detectMultiScale(gray, 1.1, 5)]
        for gray in frames
    ]


def followed(frames: list[np.ndarray], normalize) -> list[list[np.ndarray]]:
    tracker = Tracker(HaarDetector(normalize))
    return [
        [track.box.copy() for track in tracker.update(gray, n / 30)]
        for n, gray in enumerate(frames)
    ]


def only_lasting(reference: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    """Return the boxes that most of the neighbouring frames have too."""
    lasting = []
    for number, here in enumerate(reference):
        around = reference[max(0, number - NEAR) : number + NEAR + 1]
        seen = [[any(iou(box, other) > 0.3 for other in there) for there in around] for box in here]
        lasting.append([box for box, there in zip(here, seen) if sum(there) > 2 / 3 * len(around)])
    return lasting


def stretch(box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Map a square in a 640x480 frame to a frame of another size, keeping its share of the area."""
    across, down = size[0] / SIZES[0][0], size[1] / SIZES[0][1]
    side = box[2] * (across * down) ** 0.5
    return np.array(
        [(box[0] + box[2] / 2) * across - side / 2, (box[1] + box[2] / 2) * down - side / 2, side]
    )


def evaluate(boxes: list[list[np.ndarray]], faces: list[list[np.ndarray]]) -> tuple[int, int]:
    """Return the number of frames in which a face is found, and of false boxes."""
    found = sum(
        any(iou(a, b) > 0.5 for a in here for b in there) for here, there in zip(boxes, faces)
    )
    false = 0
    for number, here in enumerate(boxes):
        near = [box for there in faces[max(0, number - NEAR) : number + NEAR + 1] for box in there]
        false += sum(all(iou(box, other) < 0.3 for other in near) for box in here)
    return found, false


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument(
        "--clips", type=Path, required=True, help="folder of videos, each of one face or more"
    )
    add_save(parser)
    args = parser.parse_args()
    cascade = load_cascade()
    clips = list_clips(args.clips)
    haar, plain = "Haar on the whole frame", "tracker, grays as they are"
    table = Table("detection", "clip", "size", "frames", "light", haar, plain, "tracker")
    for clip in clips:
        for size in SIZES:
            clear = read(clip, size)
            if size == SIZES[0]:
                truth = only_lasting(whole(clear, cascade))
            faces = [[stretch(box, size) for box in boxes] for boxes in truth]
            for name, change in (
                CONDITIONS.items() if size == SIZES[0] else [("as it is", CONDITIONS["as it is"])]
            ):
                frames = [np.clip(np.rint(change(gray)), 0, 255).astype(np.uint8) for gray in clear]
                row = [evaluate(whole(frames, cascade), faces)]
                for normalize in (np.copy, None):
                    row.append(evaluate(followed(frames, normalize), faces))
                cells = (f"{found} + {false} false" for found, false in row)
                table.add(clip.stem, f"{size[0]}x{size[1]}", len(frames), name, *cells)
    table.save(args.save)


if __name__ == "__main__":
    run(main)
