"""Turn FER-2013's CSV, or photographs of your own, into one PNG per face, sorted by emotion.

Reads   data/fer2013.csv      emotion,pixels,Usage: 48x48 gray values per row, separated by spaces
        data/fer2013new.csv   FER+: the votes of ten taggers per face, in the same row order
        Either CSV may still be in its downloaded .zip or .tar.gz.
Writes  data/faces/pool/<emotion>/row00000.png   Training and PublicTest rows, to train and validate
        data/faces/test/<emotion>/row32298.png   PrivateTest rows (majority rule), never trained on
        data/faces/votes.csv                     per image: its name, usage, the ten votes, the label
                                                 by each rule, FER-2013's own label

Or reads  my_faces/<emotion>/NAME.jpg            pictures of any size and format that OpenCV reads
Writes    data/faces/pool/<emotion>/NAME.png     the largest face of each picture, cropped and turned
                                                 upright as in realtime.py; a picture of 48x48 pixels
                                                 stays unchanged; --test-photos fills test/
          data/faces/faces.png                   a sheet of those faces, to look through
          data/faces/skipped.csv                 set, emotion, file, reason: the files left out, and
                                                 files to check, such as one with several faces

Prints the number of rows or files read and left out, with reasons, and the images per emotion. The
real CSVs take 5 to 12 seconds, 100 photographs half a minute.

Examples:
    python data_preprocessing.py
    python data_preprocessing.py --rule majority
    python data_preprocessing.py --photos my_faces --test-photos my_test
"""

import argparse
from collections import Counter
from functools import partial
from pathlib import Path

from common.libraries import required

with required("requirements.txt"):
    import numpy as np

    from common.command_line import Parser, run
    from common.errors import fail
    from dataset.alignment import check_alignment, usable_labels
    from dataset.contact_sheet import draw_sheet
    from dataset.fer2013 import FER, FERPLUS, USAGES, find_download, read_faces, read_votes
    from dataset.ferplus import majority, plurality, write_votes
    from dataset.images import copies_of, summary, write_faces
    from dataset.photos import (
        check_emotions,
        check_faces,
        crop_photos,
        list_photos,
        write_skipped,
    )
    from dataset.stage import atomic_folder, write_stage

SCRIPT = Path(__file__).name


def parse_arguments() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_path("--out", "data/faces", "output folder")
    parser.begin_group("FER-2013 and FER+")
    parser.add_input("--fer", "data/fer2013.csv", "FER-2013's CSV", "file")
    parser.add_input("--ferplus", "data/fer2013new.csv", "FER+'s CSV", "file")
    rule = "label rule for the pool (%(default)s)"
    parser.add_argument("--rule", choices=["plurality", "majority"], default="plurality", help=rule)
    pool_all = "no test set: PrivateTest rows join the pool"
    parser.add_argument("--pool-all", action="store_true", help=pool_all)
    parser.begin_group("photographs")
    photos = "photographs in one subfolder per emotion, instead of the CSVs"
    parser.add_input("--photos", None, photos)
    test = "photographs to test on; the pool leaves out their copies"
    parser.add_input("--test-photos", None, test)
    detector = "face detector, as in realtime.py (%(default)s)"
    parser.add_argument("--detector", default="auto", metavar="auto|haar|FILE", help=detector)
    args = parser.parse_args()
    for_csv, for_photos = ["fer", "ferplus", "rule", "pool_all"], ["test_photos", "detector"]
    for name in for_csv if args.photos else for_photos:
        if getattr(args, name) != parser.get_default(name):
            option = f"--{name.replace('_', '-')}"
            if args.photos:
                fail(option, "not allowed with --photos", "leave it out")
            fail(option, "needs --photos", "give both, or neither")
    if args.test_photos and args.test_photos.samefile(args.photos):
        fail(args.test_photos, "also given to --photos", "test on other photographs")
    return args


def preprocess_csv(args: argparse.Namespace) -> None:
    """Turn FER-2013's rows into faces with FER+'s labels."""
    args.fer, args.ferplus = find_download(args.fer, FER), find_download(args.ferplus, FERPLUS)
    with atomic_folder(args.out, SCRIPT, [args.fer, args.ferplus]) as out:
        faces, usage, own = read_faces(args.fer)
        votes, named = read_votes(args.ferplus, usage, args.fer)
        rules = {"plurality": plurality(votes), "majority": majority(votes)}
        voted = np.where(named, rules["plurality"], "")
        check_alignment(args.fer, args.ferplus, own, voted, faces)
        own = usable_labels(args.fer, own, voted)

        # Test faces have a label by the majority rule, pool faces by --rule. No face is in both
        in_test = (usage == "PrivateTest") & (not args.pool_all)
        labels = np.where(in_test, rules["majority"], rules[args.rule])
        kept = named & (labels != "")
        copies = kept & ~in_test & copies_of(faces[kept & in_test], faces)
        pool, test = np.flatnonzero(kept & ~in_test & ~copies), np.flatnonzero(kept & in_test)
        if not pool.size:
            wrong = f"no Training or PublicTest row has a label by the {args.rule} rule"
            fail(args.ferplus, wrong, "get the whole file, or use --pool-all")

        names = [f"row{row:05}.png" for row in range(len(faces))]
        images = {"pool": write_faces(faces, labels, names, out / "pool", pool)}
        if test.size:
            images["test"] = write_faces(faces, labels, names, out / "test", test)
        named_rows = np.flatnonzero(kept & ~copies)
        write_votes(out / "votes.csv", names, named_rows, usage, votes, {**rules, "fer2013": own})
        read = {name: int((usage == name).sum()) for name in USAGES}
        arguments = {name: getattr(args, name) for name in ("fer", "ferplus", "rule", "pool_all")}
        write_stage(out, SCRIPT, args.out, arguments, read, images)

    unlabelled, unknown = named & (labels == ""), named & (rules["plurality"] == "")
    left_out = {
        "blank": ~named,
        "unknown or NF": unlabelled & unknown,
        "without a majority": unlabelled & ~unknown,
        "copies of test faces dropped": copies,
    }
    said = ", ".join(f"{rows.sum():,} {why}" for why, rows in left_out.items())
    print(f"{len(usage):,} rows read: {said}")
    print_counts(args.out, images)


def preprocess_photos(args: argparse.Namespace) -> None:
    """Turn photographs into faces with their folders' labels."""
    # Imported late: OpenCV needs system libraries, and the CSVs don't need OpenCV
    from webcam.detection.detector import choose_detector, load_detector
    from webcam.photo_crop import check_readable, crop_photo
    from webcam.sources.files import is_picture

    detector = choose_detector(args.detector)
    folders = {"pool": args.photos}
    paths = {"pool": list_photos(args.photos, "--photos", is_picture)}
    if args.test_photos:
        folders["test"] = args.test_photos
        paths["test"] = list_photos(args.test_photos, "--test-photos", is_picture)
    with atomic_folder(args.out, SCRIPT, folders.values()) as out:
        for files in paths.values():
            check_readable(files)
        crop = partial(crop_photo, detector=load_detector(detector))
        photos = {
            part: crop_photos(folders[part], files, crop, part) for part, files in paths.items()
        }
        if args.test_photos:
            pool, test = photos["pool"], photos["test"]
            check_emotions(test, pool)
            copies = pool.found & copies_of(test.faces[test.found], pool.faces)
            pool.leave_out(copies, "copy of a test face")
        for some in photos.values():
            some.note_contradictions()
            check_faces(some)
        images = {
            part: write_faces(
                some.faces, some.emotions, some.names, out / part, np.flatnonzero(some.found)
            )
            for part, some in photos.items()
        }
        draw_sheet(photos).save(out / "faces.png")
        write_skipped(out / "skipped.csv", photos)
        arguments = {"photos": args.photos, "test_photos": args.test_photos}
        arguments["detector"] = detector if detector == "haar" else Path(detector)
        read = {part: len(files) for part, files in paths.items()}
        write_stage(out, SCRIPT, args.out, arguments, read, images)

    for part, some in photos.items():
        notes = Counter(note for note in some.notes if note)
        said = "".join(f"; {note}: {n:,}" for note, n in sorted(notes.items()))
        print(f"{folders[part]}: {len(some.paths):,} files read{said}")
    print_counts(args.out, images)
    print(f"{args.out}: faces.png shows the cropped faces, skipped.csv lists the files to check")


def print_counts(out: Path, images: dict[str, dict[str, int]]) -> None:
    """Print the images per emotion of {part: {emotion: images}}."""
    for part, counts in images.items():
        print(f"{out / part}: {summary(counts)}")


def main() -> None:
    args = parse_arguments()
    if args.photos:
        preprocess_photos(args)
    else:
        preprocess_csv(args)


if __name__ == "__main__":
    run(main)
