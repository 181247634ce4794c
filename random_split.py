"""Split each emotion's faces into training and validation folders, without a leak between them.

Reads   data/faces/pool/<emotion>/*.png
Writes  data/split/train/<emotion>/, data/split/val/<emotion>/

FER-2013 contains many exact copies of the same face. All copies of a face go to the same side of
the split, even if FER+ gave them different labels. Three numbers, such as `--ratio 0.8 0.1 0.1`,
also make a test folder. Prints the images per part and emotion. Takes 5 to 10 seconds on the real
data.

Examples:
    python random_split.py
    python random_split.py --ratio 0.9 0.1 --seed 7
"""

from pathlib import Path

from common.libraries import required

with required("requirements.txt"):
    from common.command_line import Parser, run, seed
    from common.errors import fail
    from dataset.images import count, list_images, summary
    from dataset.splitting import (
        PARTS,
        count_part,
        hash_pixels,
        rejoin_copies,
        split,
    )
    from dataset.stage import atomic_folder, write_stage

SCRIPT = Path(__file__).name


def main() -> None:
    parser = Parser(__doc__)
    parser.add_input("--source", "data/faces/pool", "emotion folders")
    parser.add_path("--out", "data/split", "output folder")
    shares = "shares of train, val and optionally test (0.8 0.2)"
    parser.add_argument("--ratio", type=float, nargs="+", default=[0.8, 0.2], help=shares)
    of = "seed for the shuffle before the split (%(default)s)"
    parser.add_argument("--seed", type=seed, default=42, help=of)
    args = parser.parse_args()
    if len(args.ratio) not in (2, 3) or min(args.ratio) <= 0 or round(sum(args.ratio), 5) != 1:
        ratio = " ".join(map(str, args.ratio))
        mend = "give two or three numbers above 0 that sum to 1"
        fail(f"--ratio {ratio}", "not a valid split", mend)

    images = list_images(args.source, "data_preprocessing.py")
    with atomic_folder(args.out, SCRIPT, [args.source]) as out:
        digests = hash_pixels(images)
        split(args.source, out, args.ratio, args.seed, digests)
        moved = rejoin_copies(out, digests)
        used = PARTS[: len(args.ratio)]
        parts = {part: count_part(out / part, images, args.source) for part in used}
        write_stage(out, SCRIPT, args.out, vars(args), count(images), parts)

    copies = len(digests) - len(set(digests.values()))
    twins = f"{moved:,} copies with a different label moved to keep each face in one part"
    print(f"{len(digests):,} images, {copies:,} of them copies of another; {twins}")
    for part, counts in parts.items():
        print(f"{args.out / part}: {summary(counts)}")


if __name__ == "__main__":
    run(main)
