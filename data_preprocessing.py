"""Turn FER-2013's CSV into one PNG per face, sorted into folders by its FER+ label.

    python data_preprocessing.py [--rule plurality|majority] [--pool-all]

Reads   data/fer2013.csv      emotion,pixels,Usage: 48x48 gray values per row, separated by spaces
        data/fer2013new.csv   FER+: ten taggers' votes per face, row i for row i
        Either may lie in the .zip or .tar.gz that it was downloaded as.
Writes  data/faces/pool/<emotion>/row00000.png   Training and PublicTest rows, to train and validate
        data/faces/test/<emotion>/row32298.png   PrivateTest rows (majority rule), never trained on
        data/faces/votes.csv                     per image: its name, usage, the ten votes, the label
                                                 by either rule

Prints the rows read, what was left out and why, and the images per emotion. Takes about 12 seconds
on the real file.
"""

import argparse
from pathlib import Path

from common.libraries import required

with required("requirements.txt"):
    import numpy as np
    import pandas as pd
    from PIL import Image

    from common.command_line import Parser, run
    from common.console import progress
    from common.errors import fail
    from dataset.fer2013 import FER, FERPLUS, USAGES, find_download, read_faces, read_votes
    from dataset.ferplus import VOTES, majority, plurality
    from dataset.images import summary
    from dataset.stage import atomic_folder, write_stage

SCRIPT = Path(__file__).name


def copies_of(test: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return which faces have the same pixels as one of `test`, bool (rows,)."""
    known = {face.tobytes() for face in test}
    return np.array([face.tobytes() in known for face in faces])


def write_images(
    faces: np.ndarray, labels: np.ndarray, folder: Path, rows: np.ndarray
) -> dict[str, int]:
    """Write the faces of some rows as `folder/<emotion>/row00000.png`; return images per emotion.

    Stored, not deflated: on a disk of 4 KB blocks a deflated face is no smaller, and writing it
    takes twice as long.
    """
    for emotion in np.unique(labels[rows]):
        (folder / emotion).mkdir(parents=True)
    for row in progress(rows, f"writing {folder.name}"):
        path = folder / labels[row] / f"row{row:05}.png"
        Image.fromarray(faces[row]).save(path, compress_level=0)
    emotions, counts = np.unique(labels[rows], return_counts=True)
    return {str(emotion): int(n) for emotion, n in zip(emotions, counts)}


def write_votes(
    path: Path,
    rows: np.ndarray,
    usage: np.ndarray,
    votes: np.ndarray,
    rules: dict[str, np.ndarray],
) -> None:
    """Write votes.csv, a line for each of some rows, so that each face can be joined with it.

    `rules` are the labels of all rows, {rule: str (rows,)}.
    """
    table = pd.DataFrame({"image": [f"row{row:05}.png" for row in rows], "usage": usage[rows]})
    table[VOTES] = votes[rows]
    for rule, labels in rules.items():
        table[rule] = labels[rows]
    table.to_csv(path, index=False, lineterminator="\n")


def parse_arguments() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_input("--fer", "data/fer2013.csv", "FER-2013's CSV", "file")
    parser.add_input("--ferplus", "data/fer2013new.csv", "FER+'s CSV", "file")
    parser.add_path("--out", "data/faces", "output folder")
    rule = "the pool's label rule (%(default)s)"
    parser.add_argument("--rule", choices=["plurality", "majority"], default="plurality", help=rule)
    pool_all = "no test set: PrivateTest rows join the pool"
    parser.add_argument("--pool-all", action="store_true", help=pool_all)
    args = parser.parse_args()
    args.fer, args.ferplus = find_download(args.fer, FER), find_download(args.ferplus, FERPLUS)
    return args


def main() -> None:
    args = parse_arguments()
    with atomic_folder(args.out, SCRIPT, [args.fer, args.ferplus]) as out:
        faces, usage = read_faces(args.fer)
        votes, named = read_votes(args.ferplus, usage, args.fer)
        rules = {"plurality": plurality(votes), "majority": majority(votes)}

        # Which row goes where: test faces by the majority rule, pool faces by --rule, none to both
        in_test = (usage == "PrivateTest") & (not args.pool_all)
        labels = np.where(in_test, rules["majority"], rules[args.rule])
        kept = named & (labels != "")
        copies = kept & ~in_test & copies_of(faces[kept & in_test], faces)
        pool, test = np.flatnonzero(kept & ~in_test & ~copies), np.flatnonzero(kept & in_test)
        if not pool.size:
            what = f"no Training or PublicTest row with a label by the {args.rule} rule"
            mend = "get the whole file, or use --pool-all"
            fail(f"{args.ferplus}: {what}, so nothing to train on; {mend}")

        images = {"pool": write_images(faces, labels, out / "pool", pool)}
        if test.size:
            images["test"] = write_images(faces, labels, out / "test", test)
        write_votes(out / "votes.csv", np.flatnonzero(kept & ~copies), usage, votes, rules)
        read = {name: int((usage == name).sum()) for name in USAGES}
        write_stage(out, SCRIPT, args.out, vars(args), read, images)

    unlabelled, unknown = named & (labels == ""), named & (rules["plurality"] == "")
    left_out = {
        "blank": ~named,
        "unknown or NF": unlabelled & unknown,
        "without a majority": unlabelled & ~unknown,
        "copies of test faces dropped": copies,
    }
    said = ", ".join(f"{rows.sum():,} {why}" for why, rows in left_out.items())
    print(f"{len(usage):,} rows read: {said}")
    for part, counts in images.items():
        print(f"{args.out / part}: {summary(counts)}")


if __name__ == "__main__":
    run(main)
