"""Read fer2013.csv and fer2013new.csv, and name the first bad row."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from common.console import progress
from common.errors import fail, first_line
from common.faces import FACE_SIZE
from common.libraries import uninterrupted
from dataset.archives import ENDINGS, open_csv
from dataset.ferplus import VOTES

# FER-2013's seven emotions, in the order of the numbers in its `emotion` column
EMOTIONS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
USAGES = ["Training", "PublicTest", "PrivateTest"]
FER, FERPLUS = ["fer2013.csv", "icml_face_data.csv"], ["fer2013new.csv"]  # names of the downloads
KAGGLE = "challenges-in-representation-learning-facial-expression-recognition-challenge"
ARCHIVES = {"icml_face_data.csv": [KAGGLE]}  # archives with another name than their CSV
ROWS_AT_ONCE = 500  # 4 MB of text at a time, not 300
MAX_VOTES = 1000  # FER+ has ten per face; a larger number can't be a count of votes


def read_csv(
    path: Path, columns: list[str], names: list[str], optional: str | None = None
) -> Iterator[pd.DataFrame]:
    """Yield some columns of a CSV as text, ROWS_AT_ONCE rows at a time.

    The CSV may be in an archive, under one of `names`. An `optional` column is blank if it is
    missing. Raises UserError if another column, or the file, is missing.
    """
    options = {"dtype": str, "keep_default_na": False, "index_col": False, "compression": None}
    # icml_face_data.csv, Kaggle's other copy, has spaces before its column names
    options |= {"chunksize": ROWS_AT_ONCE, "encoding": "utf-8-sig", "skipinitialspace": True}
    try:
        with open_csv(path, names) as file, warnings.catch_warnings():
            # pandas only warns about a row with more fields than the header
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with uninterrupted():
                chunks = pd.read_csv(file, **options)
            while (chunk := next_chunk(chunks)) is not None:
                found = chunk[columns]
                yield found.assign(**{optional: chunk.get(optional, "")}) if optional else found
    except FileNotFoundError:
        toy = "draw toy faces with `python samples/make_toy_csv.py`"
        fail(path, "no such file", f"download it (see the README), or {toy}")
    except (ValueError, KeyError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        if isinstance(error, KeyError) and "Usage" in str(error) and "pixels" not in str(error):
            fail(path, "has no Usage column", "use icml_face_data.csv or fer2013.csv")
        wrong = f"not a CSV with the columns {', '.join(columns)} ({first_line(error)})"
        fail(path, wrong, "download it again")


def next_chunk(chunks: Iterator[pd.DataFrame]) -> pd.DataFrame | None:
    """Return the next rows, or None. Delay Ctrl-C, which pandas would report as a damaged file."""
    with uninterrupted():
        return next(chunks, None)


def find_download(path: Path, names: list[str]) -> Path:
    """Return `path`, or if it is missing, the same data under a download's name in its folder."""
    stems = []
    for csv in names:
        stems += [csv, csv.removesuffix(".csv"), *ARCHIVES.get(csv, [])]
    beside = [path.with_name(stem + ending) for stem in stems for ending in ("", *ENDINGS)]
    return next((file for file in [path, *beside] if file.is_file()), path)


def name_row(path: Path, row: int) -> str:
    return f"{path}: row {row} (counted from 0)"


def parse_pixels(texts: list[str], path: Path, first: int) -> np.ndarray:
    """Return the faces of some rows, uint8 (rows, 48, 48); `first` is the first row's number.

    Raises UserError that names the first row without 2,304 numbers from 0 to 255. Parses as int64,
    because NumPy silently casts 256 to uint8 as 0.
    """
    faces = np.empty((len(texts), FACE_SIZE, FACE_SIZE), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # from NumPy, for text that is no number
        for row, text in enumerate(texts):
            where = name_row(path, first + row)
            try:
                pixels = np.fromstring(text, np.int64, sep=" ")
            except (DeprecationWarning, ValueError):
                fail(where, "some pixels are not whole numbers", "fix or remove the row")
            if pixels.size != FACE_SIZE**2:
                fail(where, f"{pixels.size:,} pixels, not {FACE_SIZE**2:,}", "download it again")
            if pixels.max() > 255 or "-" in text:
                fail(where, "a pixel outside 0..255", "fix or remove the row")
            faces[row] = pixels.reshape(FACE_SIZE, FACE_SIZE)
    return faces


def read_faces(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all faces, uint8 (rows, 48, 48), their usage and FER-2013's own labels, str (rows,).

    36,000 faces take 83 MB. A label is "" if the `emotion` column is blank. A value of that column
    that is not the number of an emotion is kept as the label.
    """
    faces: list[np.ndarray] = []
    usage: list[str] = []
    numbers: list[str] = []
    chunks = read_csv(path, ["pixels", "Usage"], FER, optional="emotion")
    for chunk in progress(chunks, "reading", unit=" chunks"):
        faces.append(parse_pixels(list(chunk["pixels"]), path, len(usage)))
        usage.extend(chunk["Usage"])
        numbers.extend(chunk["emotion"])
    if not usage:
        fail(path, "no rows below the header", "download it again")
    for row, name in enumerate(usage):
        if name not in USAGES:
            wrong = f"Usage is {name[:40]!r}, not one of {', '.join(USAGES)}"
            fail(name_row(path, row), wrong, "fix the row")
    names = dict(zip(map(str, range(len(EMOTIONS))), EMOTIONS))
    numbers = [number.strip().removesuffix(".0") for number in numbers]
    own = np.array([names.get(number, number) for number in numbers])
    return np.concatenate(faces), np.array(usage), own


def read_votes(path: Path, usage: np.ndarray, fer: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return votes, int64 (rows, 10) in the order of VOTES, and which rows name an image, bool.

    Raises UserError if the number of rows or the `usage` differ from those of `fer`, or if a vote
    is not a count.
    """
    chunks = list(read_csv(path, ["Usage", "Image name", *VOTES], FERPLUS))
    table = pd.concat(chunks, ignore_index=True) if chunks else pd.DataFrame(columns=["Usage"])
    if len(table) != len(usage):
        fail(path, f"{len(table):,} rows, but {fer} has {len(usage):,}", "download both again")
    disagree = np.flatnonzero(table["Usage"].to_numpy() != usage)
    if disagree.size:
        row = disagree[0]
        wrong = f"Usage is {str(table['Usage'][row])[:40]!r}, but {str(usage[row])!r} in {fer}"
        fail(name_row(path, row), wrong, "align their rows")
    votes = table[VOTES].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    spoiled = np.argwhere(~((votes >= 0) & (votes <= MAX_VOTES) & (votes == votes.round())))
    if spoiled.size:
        row, column = spoiled[0]
        wrong = f"{str(table[VOTES[column]][row])[:40]!r} votes for {VOTES[column]}"
        wrong += f", not a whole number from 0 to {MAX_VOTES:,}"
        fail(name_row(path, row), wrong, "fix the row")
    return votes.astype(int), (table["Image name"].str.strip() != "").to_numpy()
