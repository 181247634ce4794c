"""Find the margin around a Haar box that frames faces like the training data.

    python benchmarks/crop_margin.py [--val data/split/val] [--votes data/faces/votes.csv] [--model pretrained]

Each 48x48 face is used three times. It is enlarged to a side of 96 to 240 pixels and put into a
scene twice as wide that repeats the face's edge pixels. The cascade searches the scene. The box is
cropped with a margin (a share of its side, added on all four sides), and the network classifies the
crop. The correct label is the one with most votes (FER+'s majority rule). Prints the median
position of the boxes on the faces, and a table of accuracies.
"""

import csv
from pathlib import Path

import cv2
import numpy as np
from report import ROOT, Table, add_save

from common.command_line import Parser, run
from dataset.images import list_images
from webcam.analysis.classifier import Classifier
from webcam.detection.geometry import crop, iou, widen
from webcam.detection.haar import HaarDetector

MARGINS = [-0.1, -0.05, 0.0, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3]


def name_all(crops: list[np.ndarray], classifier: Classifier) -> np.ndarray:
    """Return the index of each crop's emotion."""
    answers = []
    for start in range(0, len(crops), 64):
        answers.append(classifier.predict(np.stack(crops[start : start + 64])).argmax(axis=1))
    return np.concatenate(answers)


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--val", type=Path, default=Path("data/split/val"))
    parser.add_argument("--votes", type=Path, default=Path("data/faces/votes.csv"))
    parser.add_argument("--model", type=Path, default=ROOT / "pretrained")
    add_save(parser)
    args = parser.parse_args()
    classifier, detector = Classifier.load(args.model), HaarDetector()
    with args.votes.open(newline="") as file:
        majority = {Path(row["image"]).stem: row["majority"] for row in csv.DictReader(file)}
    size = (classifier.side, classifier.side)
    rng = np.random.default_rng(0)
    images = [path for paths in list_images(args.val, "random_split.py").values() for path in paths]
    images = [path for path in images if majority[path.stem] in classifier.emotions]
    plain, places, truth = [], [], []
    crops: dict[float | str, list[np.ndarray]] = {margin: [] for margin in MARGINS}
    for path in 3 * images:
        face, side = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), int(rng.integers(96, 240))
        large, edge = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC), side // 2
        scene = cv2.copyMakeBorder(large, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        whole = np.array([edge, edge, side])
        box = max(detector.detect(scene), key=lambda box: iou(box, whole), default=None)
        if box is None or iou(box, whole) < 0.3:
            continue
        plain.append(face)
        truth.append(classifier.emotions.index(majority[path.stem]))
        places.append((box[:3] - (edge, edge, 0)) / side)
        for margin in MARGINS:
            crops[margin].append(crop(scene, widen(box, margin), size))
    left, top, width = np.median(places, axis=0)
    table = Table("crop_margin", "margin", "accuracy")
    for name, faces in ({"the face as it is": plain} | crops).items():
        table.add(name, f"{(name_all(faces, classifier) == truth).mean():.3f}")
    where = f"the median box begins at {left:.2f} of the face's width and {top:.2f} of its height"
    found = f"{len(truth):,} of {3 * len(images):,} faces found"
    table.save(args.save, found, f"{where} and is {width:.2f} of it wide")


if __name__ == "__main__":
    run(main)
