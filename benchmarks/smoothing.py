"""Find the smoothing rule whose labels are steady, correct and quick.

    python benchmarks/smoothing.py [--val data/split/val] [--votes data/faces/votes.csv] [--model pretrained]

Makes films at 30 frames/s from validation faces. Each face stays for 3 to 11 s and turns into the
next within 0.2 s. Every frame shifts, rotates and zooms the face a little, with fast and slow
motion, and adds noise. The network classifies every frame, and each rule smooths the results. A
rule has three numbers: the seconds of the average, the lead at which another label replaces the one
shown, and the seconds after which any lead does.

Prints for each rule:

    changes/min   label changes per minute
    right         share of frames with the correct label (FER+'s majority)
    delay ms      median delay after the middle of a change that the network sees
    other         share of frames whose label does not have the highest probability
"""

import csv
import math
from pathlib import Path

import cv2
import numpy as np
from report import ROOT, Table, add_save

from common.command_line import Parser, positive_int, run
from dataset.images import list_images
from webcam.analysis.classifier import Classifier
from webcam.analysis.smoothing import ProbabilitySmoother

RATE = 30  # frames/s
CHANGE = 6  # frames in which one face turns into the next
SHARES = {  # rough shares of the expressions in front of a camera
    "neutral": 0.45, "happiness": 0.2, "surprise": 0.1, "sadness": 0.1, "anger": 0.07,
    "fear": 0.03, "disgust": 0.03, "contempt": 0.02,
}  # fmt: skip
RULES = [(0, 0, 0), (0.3, 0, 0), (0.3, 0.2, math.inf), (0.25, 0.3, math.inf), (0.2, 0.3, math.inf)]
RULES += [(0.2, 0.3, 0.8), (0.15, 0.3, 0.8)]


def film(
    faces: dict[str, list[Path]], number: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[str], list[int]]:
    """Return a film of faces, uint8 (n, 48, 48), each frame's emotion, and each face's start."""
    frames: list[np.ndarray] = []
    emotions: list[str] = []
    starts: list[int] = []
    fast, slow, names = np.zeros(4), np.zeros(4), list(SHARES)
    previous = np.empty(0)
    emotion = ""
    for _ in range(number):
        weights = np.array([SHARES[name] * (name != emotion) for name in names])
        emotion = str(rng.choice(names, p=weights / weights.sum()))
        path = faces[emotion][rng.integers(len(faces[emotion]))]
        face = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.float32)
        starts.append(len(frames))
        for frame in range(round(RATE * rng.uniform(3, 11))):
            share = 1.0 if not previous.size else min(1.0, (frame + 1) / CHANGE)
            mixed = face if share == 1 else share * face + (1 - share) * previous
            fast = 0.9 * fast + math.sqrt(1 - 0.9**2) * rng.normal(size=4)
            slow = 0.985 * slow + math.sqrt(1 - 0.985**2) * rng.normal(size=4)
            x, y, zoom, turn = (0.6 * fast + 0.9 * slow) * (1.5, 1.5, 0.04, 4)
            moved = cv2.getRotationMatrix2D((23.5, 23.5), turn, 1 + zoom)
            moved[:, 2] += x, y
            seen = cv2.warpAffine(mixed, moved, (48, 48), borderMode=cv2.BORDER_REPLICATE)
            frames.append(np.clip(seen + rng.normal(0, 4, seen.shape), 0, 255).astype(np.uint8))
            emotions.append(emotion)
        previous = face
    return np.stack(frames), emotions, starts


def follow(rows: np.ndarray, rule: tuple[float, float, float]) -> tuple[np.ndarray, float]:
    """Return the labels that a rule shows, and the share without the highest probability."""
    smoother, other = ProbabilitySmoother(*rule), 0
    labels: list[int] = []
    for number, row in enumerate(rows):
        smoother.update(1, row, number / RATE)
        labels.append(smoother.label(1))
        other += labels[-1] != smoother[1].argmax()
    return np.array(labels), other / len(rows)


def delays(
    shown: np.ndarray, seen: np.ndarray, truth: np.ndarray, starts: list[int]
) -> list[float]:
    """Return the milliseconds from the middle of each change that the network sees to its label."""
    found = []
    for start, end in zip(starts[1:], [*starts[2:], len(truth)]):
        right = shown[start:end] == truth[start]
        steady = (seen[start + CHANGE : end] == truth[start]).mean() > 0.9
        if steady and shown[start - 1] != truth[start] and right.any():
            found.append(1000 * (right.argmax() - CHANGE / 2) / RATE)
    return found


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--val", type=Path, default=Path("data/split/val"))
    parser.add_argument("--votes", type=Path, default=Path("data/faces/votes.csv"))
    parser.add_argument("--model", type=Path, default=ROOT / "pretrained")
    parser.add_argument("--films", type=positive_int, default=25)
    add_save(parser)
    args = parser.parse_args()
    classifier, rng = Classifier.load(args.model), np.random.default_rng(1)
    with args.votes.open(newline="") as file:
        majority = {Path(row["image"]).stem: row["majority"] for row in csv.DictReader(file)}
    faces: dict[str, list[Path]] = {name: [] for name in SHARES}
    for paths in list_images(args.val, "random_split.py").values():
        for path in paths:
            faces.get(majority[path.stem], []).append(path)
    films = []
    for _ in range(args.films):
        frames, emotions, starts = film(faces, 8, rng)
        parts = [classifier.predict(frames[at : at + 128]) for at in range(0, len(frames), 128)]
        truth = np.array([classifier.emotions.index(emotion) for emotion in emotions])
        films.append((np.concatenate(parts), truth, starts))
    table = Table(
        "smoothing", "average, lead, seconds", "changes/min", "right", "delay ms", "other"
    )
    minutes = sum(len(truth) for _, truth, _ in films) / RATE / 60
    for rule in RULES:
        changes = 0
        right: list[float] = []
        late: list[float] = []
        others: list[float] = []
        for rows, truth, starts in films:
            shown, other = follow(rows, rule)
            changes += int((shown[1:] != shown[:-1]).sum())
            right.append((shown == truth).mean())
            late += delays(shown, rows.argmax(axis=1), truth, starts)
            others.append(other)
        figures = f"{changes / minutes:.1f}", f"{np.mean(right):.3f}", f"{np.median(late):.0f}"
        table.add(", ".join(f"{value:g}" for value in rule), *figures, f"{np.mean(others):.3f}")
    turns = sum(len(starts) - 1 for _, _, starts in films) / minutes
    table.save(args.save, f"{minutes:.0f} minutes, {turns:.1f} changes of face a minute")


if __name__ == "__main__":
    run(main)
