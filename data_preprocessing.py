"""Turn FER-2013's CSV into one PNG per face, sorted into folders by its FER+ label.

    python data_preprocessing.py [--rule plurality|majority] [--pool-all]

Reads   data/fer2013.csv      emotion,pixels,Usage: 48x48 gray values per row, separated by spaces
        data/fer2013new.csv   FER+: ten taggers' votes per face, row i for row i
Writes  data/faces/pool/<emotion>/row00000.png   Training and PublicTest rows, to train and validate on
        data/faces/test/<emotion>/row32298.png   PrivateTest rows (majority rule), never trained on
        data/faces/votes.csv                     per image: its name, usage, the ten votes, the label by either rule

Prints the rows read, what was left out and why, and the images per emotion. Takes about 12 seconds on the real file.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from common.command_line import run
from common.console import progress
from common.errors import fail
from dataset.images import FACE_SIZE, summary
from dataset.stage import new_folder, write_stage

SCRIPT = Path(__file__).name
VOTES = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
EMOTIONS = VOTES[:8]  # the last two are no emotions; NF: not a face
USAGES = ["Training", "PublicTest", "PrivateTest"]
SIZE = FACE_SIZE  # pixels
ROWS_AT_ONCE = 500  # 4 MB of text at a time, not 300


def read_csv(path: Path, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the named columns as text, some rows at a time; fails with one line on what is not such a CSV."""
    options = {"dtype": str, "keep_default_na": False, "chunksize": ROWS_AT_ONCE, "index_col": False}
    # skipinitialspace: icml_face_data.csv, Kaggle's other copy, has blanks before its column names
    options |= {"skipinitialspace": True, "encoding": "utf-8-sig", "compression": None}
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row with more fields than the header
            with pd.read_csv(file, **options) as chunks:
                for chunk in chunks:
                    yield chunk[columns]
    except FileNotFoundError:
        fail(f"{path}: no such file; the README says where to download it, `--help` how to name another")
    except (ValueError, KeyError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        reason = str(error).splitlines()[0][:150]
        fail(f"{path}: not a CSV with the columns {', '.join(columns)} ({reason}); download it again")


def name_row(row: int) -> str:
    return f"row {row} (counted from 0)"


def parse_pixels(texts: list[str], path: Path, first: int) -> np.ndarray:
    """Return uint8 faces of shape (rows, 48, 48); fails naming the first row that isn't 2304 numbers from 0 to 255.

    Parsed as int64 and checked before the cast, since NumPy casts 256 to uint8 as 0 without a word.
    """
    faces = np.empty((len(texts), SIZE, SIZE), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy reports text that is no number
        for row, text in enumerate(texts):
            try:
                pixels = np.fromstring(text, np.int64, sep=" ")
            except (DeprecationWarning, ValueError):
                fail(f"{path}: {name_row(first + row)}: pixels that are not whole numbers; mend or remove the row")
            if pixels.size != SIZE * SIZE:
                fail(f"{path}: {name_row(first + row)}: {pixels.size:,} pixels, not {SIZE * SIZE:,}; download it again")
            if pixels.max() > 255 or "-" in text:
                fail(f"{path}: {name_row(first + row)}: a pixel outside 0..255; mend or remove the row")
            faces[row] = pixels.reshape(SIZE, SIZE)
    return faces


def read_faces(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return all faces, uint8 (rows, 48, 48), and their usage, str (rows,). 36,000 faces take 83 MB."""
    faces, usage = [], []
    for chunk in progress(read_csv(path, ["pixels", "Usage"]), "reading", unit=" chunks"):
        faces.append(parse_pixels(list(chunk["pixels"]), path, len(usage)))
        usage.extend(chunk["Usage"])
    if not usage:
        fail(f"{path}: no rows below the column names; download it again")
    for row, name in enumerate(usage):
        if name not in USAGES:
            fail(f"{path}: {name_row(row)}: Usage is {name[:40]!r}, not one of {', '.join(USAGES)}; mend the row")
    return np.concatenate(faces), np.array(usage)


def read_votes(path: Path, usage: np.ndarray, fer: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return votes, int64 (rows, 10) in the order of VOTES, and whether each row names an image, bool (rows,)."""
    chunks = list(read_csv(path, ["Usage", "Image name", *VOTES]))
    table = pd.concat(chunks, ignore_index=True) if chunks else pd.DataFrame(columns=["Usage"])
    if len(table) != len(usage):
        fail(f"{path}: {len(table):,} rows, but {fer} has {len(usage):,}; download both again")
    disagree = np.flatnonzero(table["Usage"].to_numpy() != usage)
    if disagree.size:
        row = disagree[0]
        fail(
            f"{path}: {name_row(row)}: Usage is {str(table['Usage'][row])[:40]!r}, but {usage[row]!r} in {fer}; "
            "align the two"
        )
    votes = table[VOTES].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    wrong = np.argwhere(~((votes >= 0) & (votes <= 1000) & (votes == votes.round())))
    if wrong.size:
        row, column = wrong[0]
        text = str(table[VOTES[column]][row])[:40]
        fail(f"{path}: {name_row(row)}: {text!r} votes for {VOTES[column]}, not a whole number from 0; mend the row")
    return votes.astype(int), (table["Image name"].str.strip() != "").to_numpy()


def plurality(votes: np.ndarray) -> np.ndarray:
    """Return the emotion with most of the ten columns' votes, ties to the earlier column; "" for unknown and NF."""
    return np.where(votes.any(axis=1), np.array([*EMOTIONS, "", ""])[votes.argmax(axis=1)], "")


def majority(votes: np.ndarray) -> np.ndarray:
    """Return the emotion with more than half of the votes, votes of 1 counted as 0; "" where there is none.

    The rule behind published FER+ figures: Barsoum et al. 2016, arXiv:1608.01041.
    """
    votes = np.where(votes == 1, 0, votes)
    return np.where(2 * votes.max(axis=1) > votes.sum(axis=1), plurality(votes), "")


def copies_of(test: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return which faces have the same pixels as one of `test`, bool (rows,)."""
    known = {face.tobytes() for face in test}
    return np.array([face.tobytes() in known for face in faces])


def write_images(faces: np.ndarray, labels: np.ndarray, folder: Path, rows: np.ndarray) -> dict[str, int]:
    """Write the faces of some rows as `folder/<emotion>/row00000.png`; return images per emotion.

    Stored, not deflated: on a disk of 4 KB blocks a deflated face is no smaller, and writing it takes twice as long.
    """
    for emotion in np.unique(labels[rows]):
        (folder / emotion).mkdir(parents=True)
    for row in progress(rows, f"writing {folder.name}"):
        Image.fromarray(faces[row]).save(folder / labels[row] / f"row{row:05}.png", compress_level=0)
    return {str(emotion): int(n) for emotion, n in zip(*np.unique(labels[rows], return_counts=True))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fer", type=Path, default=Path("data/fer2013.csv"), help="FER-2013's CSV (%(default)s)")
    parser.add_argument("--ferplus", type=Path, default=Path("data/fer2013new.csv"), help="FER+'s CSV (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("data/faces"), help="output folder (%(default)s)")
    parser.add_argument(
        "--rule", choices=["plurality", "majority"], default="plurality", help="the pool's label rule (%(default)s)"
    )
    parser.add_argument("--pool-all", action="store_true", help="no test set: PrivateTest rows join the pool")
    args = parser.parse_args()

    with new_folder(args.out, SCRIPT, [args.fer, args.ferplus]) as out:
        faces, usage = read_faces(args.fer)
        votes, named = read_votes(args.ferplus, usage, args.fer)
        rules = {"plurality": plurality(votes), "majority": majority(votes)}

        tested = (usage == "PrivateTest") & (not args.pool_all)
        labels = np.where(tested, rules["majority"], rules[args.rule])
        kept = named & (labels != "")
        copies = kept & ~tested & copies_of(faces[kept & tested], faces)
        pool, test = np.flatnonzero(kept & ~tested & ~copies), np.flatnonzero(kept & tested)
        if not pool.size:
            what = f"no Training or PublicTest row with a label by the {args.rule} rule"
            fail(f"{args.ferplus}: {what}, so nothing to train on; get the whole file, or use --pool-all")

        images = {"pool": write_images(faces, labels, out / "pool", pool)}
        if test.size:
            images["test"] = write_images(faces, labels, out / "test", test)
        rows = np.flatnonzero(kept & ~copies)
        table = pd.DataFrame({"image": [f"row{row:05}.png" for row in rows], "usage": usage[rows]})
        table[VOTES] = votes[rows]
        table[list(rules)] = np.column_stack([by_rule[rows] for by_rule in rules.values()])
        table.to_csv(out / "votes.csv", index=False, lineterminator="\n")
        read = {name: int((usage == name).sum()) for name in USAGES}
        write_stage(out, SCRIPT, args.out, vars(args), read, images)

    unlabelled, unknown = named & (labels == ""), named & (rules["plurality"] == "")
    print(
        f"{len(usage):,} rows read: {(~named).sum():,} blank, {(unlabelled & unknown).sum():,} unknown or NF, "
        f"{(unlabelled & ~unknown).sum():,} without a majority, {copies.sum():,} copies of test faces dropped"
    )
    for part, counts in images.items():
        print(f"{args.out / part}: {summary(counts)}")


if __name__ == "__main__":
    run(main)
