"""Reading fer2013.csv and fer2013new.csv, and saying which row is wrong."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from common.console import progress
from common.errors import fail
from dataset.ferplus import VOTES
from dataset.images import FACE_SIZE

USAGES = ["Training", "PublicTest", "PrivateTest"]
ROWS_AT_ONCE = 500  # 4 MB of text at a time, not 300


def read_csv(path: Path, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the named columns as text, some rows at a time.

    Fails with one line on what is not such a CSV.
    """
    options = {
        "dtype": str,
        "keep_default_na": False,
        "chunksize": ROWS_AT_ONCE,
        "index_col": False,
    }
    # skipinitialspace: icml_face_data.csv, Kaggle's other copy, has blanks before its column names
    options |= {"skipinitialspace": True, "encoding": "utf-8-sig", "compression": None}
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            # A row with more fields than the header
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with pd.read_csv(file, **options) as chunks:
                for chunk in chunks:
                    yield chunk[columns]
    except FileNotFoundError:
        fail(
            f"{path}: no such file; the README says where to download it, `--help` how to name another"
        )
    except (ValueError, KeyError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        reason = str(error).splitlines()[0][:150]
        fail(
            f"{path}: not a CSV with the columns {', '.join(columns)} ({reason}); download it again"
        )


def name_row(row: int) -> str:
    return f"row {row} (counted from 0)"


def parse_pixels(texts: list[str], path: Path, first: int) -> np.ndarray:
    """Return uint8 faces of shape (rows, 48, 48); fails naming the first row that isn't 2304
    numbers from 0 to 255.

    Parsed as int64 and checked before the cast, since NumPy casts 256 to uint8 as 0 without a word.
    """
    faces = np.empty((len(texts), FACE_SIZE, FACE_SIZE), np.uint8)
    with warnings.catch_warnings():
        # How NumPy reports text that is no number
        warnings.simplefilter("error", DeprecationWarning)
        for row, text in enumerate(texts):
            where = f"{path}: {name_row(first + row)}"
            try:
                pixels = np.fromstring(text, np.int64, sep=" ")
            except (DeprecationWarning, ValueError):
                fail(f"{where}: pixels that are not whole numbers; mend or remove the row")
            if pixels.size != FACE_SIZE * FACE_SIZE:
                fail(
                    f"{where}: {pixels.size:,} pixels, not {FACE_SIZE * FACE_SIZE:,}; download it again"
                )
            if pixels.max() > 255 or "-" in text:
                fail(f"{where}: a pixel outside 0..255; mend or remove the row")
            faces[row] = pixels.reshape(FACE_SIZE, FACE_SIZE)
    return faces


def read_faces(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return all faces, uint8 (rows, 48, 48), and their usage, str (rows,).

    36,000 faces take 83 MB.
    """
    faces, usage = [], []
    for chunk in progress(read_csv(path, ["pixels", "Usage"]), "reading", unit=" chunks"):
        faces.append(parse_pixels(list(chunk["pixels"]), path, len(usage)))
        usage.extend(chunk["Usage"])
    if not usage:
        fail(f"{path}: no rows below the column names; download it again")
    for row, name in enumerate(usage):
        if name not in USAGES:
            fail(
                f"{path}: {name_row(row)}: Usage is {name[:40]!r}, not one of {', '.join(USAGES)}; mend the row"
            )
    return np.concatenate(faces), np.array(usage)


def read_votes(path: Path, usage: np.ndarray, fer: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return votes, int64 (rows, 10) in the order of VOTES, and whether each row names an image,
    bool (rows,).
    """
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
        fail(
            f"{path}: {name_row(row)}: {text!r} votes for {VOTES[column]}, not a whole number from 0; mend the row"
        )
    return votes.astype(int), (table["Image name"].str.strip() != "").to_numpy()
