"""Score a folder of labelled portraits end to end: the face is found, cropped and named.

    python benchmarks/portraits.py FOLDER [--model pretrained] [--detector auto]

FOLDER holds a folder of pictures for each emotion, named as in labels.txt: FOLDER/happiness/1.jpg.
The largest face of a picture counts. A picture without a face counts as wrong. Prints a table and
the mistakes.

The Face Research Lab London Set (https://doi.org/10.6084/m9.figshare.5047666, CC BY 4.0) is free to
download: 102 smiling portraits go into FOLDER/happiness, 242 neutral ones into FOLDER/neutral.
"""

from collections import Counter
from pathlib import Path

from report import ROOT, Table

from common.command_line import Parser, run
from common.errors import fail
from webcam import FaceAnalyzer
from webcam.analysis.analyzer import largest
from webcam.detection.detector import choose_detector
from webcam.sources.files import list_files
from webcam.sources.images import read_pictures


def name_portrait(analyzer: FaceAnalyzer, path: Path) -> str:
    """Return the emotion of the largest face of a picture, "" for none."""
    image = next(read_pictures(path, 1))
    face = None if image is None else largest(analyzer.analyze_image(image))
    return face.emotion if face else ""


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--model", type=Path, default=ROOT / "pretrained")
    parser.add_argument("--detector", default="auto", metavar="auto|haar|FILE")
    args = parser.parse_args()
    analyzer = FaceAnalyzer.load(args.model, 0, choose_detector(args.detector, args.model))
    if not args.folder.is_dir():
        fail(args.folder, "no such folder", "give a folder with a folder for each emotion")
    folders = sorted(path for path in args.folder.iterdir() if path.is_dir())
    strange = [path.name for path in folders if path.name not in analyzer.emotions]
    if strange or not folders:
        known = ", ".join(analyzer.emotions)
        fail(args.folder, f"folders {strange or 'missing'}", f"name folders as emotions: {known}")
    table = Table("portraits", "emotion", "portraits", "found", "right", "recall", "mistakes")
    total = right = 0
    recalls = []
    for folder in folders:
        named = Counter(name_portrait(analyzer, path) for path in list_files([str(folder)])[0])
        count, correct = named.total(), named[folder.name]
        total, right = total + count, right + correct
        recalls.append(correct / count)
        wrong = (
            f"{name or 'no face'} {n}" for name, n in named.most_common() if name != folder.name
        )
        found = count - named[""]
        table.add(folder.name, count, found, correct, f"{recalls[-1]:.3f}", ", ".join(wrong))
    accuracy, recall = right / total, sum(recalls) / len(recalls)
    print(f"\naccuracy {accuracy:.3f}, macro recall {recall:.3f}, n = {total:,}")


if __name__ == "__main__":
    run(main)
