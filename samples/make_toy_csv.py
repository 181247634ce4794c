"""Draw small faces and write them as fer2013.csv and fer2013new.csv, to try out the pipeline.

Reads   nothing
Writes  data/fer2013.csv, data/fer2013new.csv

The files contain every special case of the real ones: all three Usages, rows without an image name,
faces that are unknown or not a face, split votes, exact copies of a face in another Usage, and
copies with different votes. A network trained on them recognises drawings, not people. The script
does not overwrite existing files.

Examples:
    python samples/make_toy_csv.py
    python samples/make_toy_csv.py --rows 5000 --out more
"""

import csv
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common.libraries import required

with required("requirements.txt"):
    import numpy as np
    from PIL import Image, ImageDraw

    from common.command_line import Parser, positive_int, run
    from common.errors import fail
    from common.faces import FACE_SIZE
    from dataset.fer2013 import EMOTIONS
    from dataset.ferplus import VOTES

# For each emotion: the mouth's bend (positive for a smile), opening and tilt, and the brows' height
# and slant (positive for a frown)
LOOKS = {
    "neutral": (0.0, 0.0, 0.0, 0.0, 0.0),
    "happiness": (1.0, 0.3, 0.0, 0.1, 0.0),
    "surprise": (0.0, 1.2, 0.0, 1.0, 0.0),
    "sadness": (-1.0, 0.0, 0.0, 0.2, -0.8),
    "anger": (-0.3, 0.0, 0.0, -0.6, 1.0),
    "disgust": (-0.8, 0.5, 0.0, -0.4, 0.5),
    "fear": (-0.4, 0.8, 0.0, 0.8, -0.8),
    "contempt": (0.2, 0.0, 0.9, 0.0, 0.2),
}
SHARES = [24, 20, 14, 12, 10, 6, 7, 5, 1, 1]  # percent of the rows, in the order of VOTES
SCALE = 4  # draw at 192x192 pixels and reduce, so that lines are smooth


def draw_face(emotion: str, rng: random.Random) -> np.ndarray:
    """Return a drawn face, uint8 (48, 48).

    `unknown` gives a face without a mouth, `NF` only noise.
    """
    side = FACE_SIZE * SCALE
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, 8, (FACE_SIZE,) * 2)
    paper, skin, ink = (
        rng.randint(0, 90),
        rng.randint(140, 220),
        rng.randint(10, 60),
    )
    image = Image.new("L", (side, side), paper)
    pen = ImageDraw.Draw(image)
    x, y = side / 2 + rng.gauss(0, 5), side / 2 + rng.gauss(0, 5)
    u = side / 10 * rng.uniform(0.9, 1.1)  # the unit of length
    if emotion != "NF":
        pen.ellipse((x - 3.6 * u, y - 4.6 * u, x + 3.6 * u, y + 4.6 * u), fill=skin)
        pen.line((x, y - 0.6 * u, x, y + 0.8 * u), fill=(skin + ink) // 2, width=SCALE)
    for eye in (-1, 1) if emotion != "NF" else ():
        _, _, _, height, slant = LOOKS.get(emotion, (0,) * 5)
        across, wide = x + 1.5 * eye * u, 0.35 + 0.2 * (height > 0.5)
        pen.ellipse(
            (across - 0.5 * u, y - (1 + wide) * u, across + 0.5 * u, y - (1 - wide) * u), fill=ink
        )
        brow = y - (1.9 + 0.6 * height) * u
        inner, outer = across - 0.8 * eye * u, across + 0.8 * eye * u
        pen.line(
            (inner, brow + 0.5 * slant * u, outer, brow - 0.5 * slant * u),
            fill=ink,
            width=2 * SCALE,
        )
    if emotion in LOOKS:
        bend, opening, tilt, _, _ = LOOKS[emotion]
        steps = np.linspace(-1, 1, 15)
        upper = [
            (x + 1.7 * s * u, y + (2.3 + bend * (0.4 - 0.8 * s * s) - tilt * 0.5 * s) * u)
            for s in steps
        ]
        lower = [(px, py + opening * (1 - s * s) * u) for (px, py), s in zip(upper, steps)]
        pen.polygon(upper + lower[::-1], fill=ink)
        pen.line(upper, fill=ink, width=2 * SCALE)
    small = image.reduce(SCALE)
    return np.clip(np.asarray(small) + noise, 0, 255).astype(np.uint8)


def draw_votes(emotion: str, rng: random.Random) -> list[int]:
    """Return ten votes: 5 to 9 for the drawn emotion, the rest at random."""
    sure = rng.randint(5, 9)
    drawn = [emotion] * sure + rng.choices(VOTES, k=10 - sure)
    return [drawn.count(name) for name in VOTES]


def draw_label(votes: list[int], rng: random.Random) -> int:
    """Return a label by FER-2013's own numbers: a random vote for one of its emotions, if any."""
    own = [votes[VOTES.index(emotion)] for emotion in EMOTIONS] if votes else [1, *[0] * 6]
    return rng.choices(range(len(EMOTIONS)), own if any(own) else None)[0]


def make_rows(count: int, seed: int) -> list[tuple[np.ndarray, str, list[int]]]:
    """Return `count` rows of (face, usage, votes). A row without an image name has votes []."""
    rng = random.Random(seed)
    usages = ["Training"] * (count * 8 // 10) + ["PublicTest"] * (count // 10)
    usages += ["PrivateTest"] * (count - len(usages))
    rows: list[tuple[np.ndarray, str, list[int]]] = []
    for number, usage in enumerate(usages):
        emotion = rng.choices(VOTES, SHARES)[0]
        face, votes = draw_face(emotion, rng), draw_votes(emotion, rng)
        if number % 50 == 17:
            face, votes = np.zeros_like(face), []
        elif number % 10 == 3:  # a copy of an earlier face, often from another Usage
            twin = rng.choice([row for row in rows if row[2]])
            face, votes = twin[0], votes if number % 20 == 3 else twin[2]
        rows.append((face, usage, votes))
    return rows


def main() -> None:
    parser = Parser(__doc__)
    parser.add_path("--out", "data", "folder for the two files")
    count = "faces to draw (%(default)s)"
    parser.add_argument("--rows", type=positive_int, default=800, help=count)
    parser.add_argument("--seed", type=int, default=42, help="seed for the drawing (%(default)s)")
    args = parser.parse_args()
    fer, ferplus = args.out / "fer2013.csv", args.out / "fer2013new.csv"
    for path in (fer, ferplus):
        if path.exists():
            fail(path, "already exists", "move it away or choose another --out")
    rows = make_rows(args.rows, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    with fer.open("w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["emotion", "pixels", "Usage"])
        rng = random.Random(args.seed)
        for face, usage, votes in rows:
            writer.writerow([draw_label(votes, rng), " ".join(map(str, face.ravel())), usage])
    with ferplus.open("w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["Usage", "Image name", *VOTES])
        named = 0
        for _, usage, votes in rows:
            writer.writerow(
                [usage, f"fer{named:07}.png" if votes else "", *(votes or [0] * 9 + [10])]
            )
            named += bool(votes)
    print(f"{len(rows):,} rows in {fer} and {ferplus}")


if __name__ == "__main__":
    run(main)
