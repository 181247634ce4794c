"""Broken CSVs by the hundred.

A good CSV gives the normal output in any spelling. A bad one gives one line and no folder.
`--hypothesis-profile=long` tries fifty times as many.
"""

import contextlib
import csv
import gzip
import io
import os
import random
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.files import tree_hash
from support.scripts import peak_memory

import data_preprocessing as preprocessing
from common import command_line
from common.errors import UserError
from dataset.ferplus import VOTES
from network.data.targets import load_votes

ROWS = 6


def good_tables():
    """Return fer2013.csv and fer2013new.csv as lists of rows: 3 happy faces, 3 neutral ones."""
    draw = random.Random(5)
    fer = [["emotion", "pixels", "Usage"]]
    ferplus = [["Usage", "Image name", *VOTES]]
    for row in range(ROWS):
        fer.append(["0", " ".join(str(draw.randrange(256)) for _ in range(48 * 48)), "Training"])
        ferplus.append(
            [
                "Training",
                f"fer{row:07}.png",
                *map(str, [10 * (row % 2), 10 - 10 * (row % 2)] + [0] * 8),
            ]
        )
    return fer, ferplus


def written(table, **dialect):
    text = io.StringIO(newline="")
    csv.writer(text, **{"lineterminator": "\n", **dialect}).writerows(table)
    return text.getvalue().encode()


GOOD = [written(table) for table in good_tables()]


def zipped(data):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("fer2013.csv", data)
    return archive.getvalue()


def preprocess(fer, ferplus):
    """Run data_preprocessing.py on the bytes of two files in an empty folder.

    Return the output's tree hash, or the error. Assert that the error is one line, and that only a
    whole output is left.
    """
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as stack:
        folder = Path(home)
        (folder / "fer2013.csv").write_bytes(fer)
        (folder / "fer2013new.csv").write_bytes(ferplus)
        files = ["--fer", folder / "fer2013.csv", "--ferplus", folder / "fer2013new.csv"]
        stack.enter_context(contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")))
        said = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        stack.enter_context(contextlib.redirect_stderr(said))
        argv, sys.argv = (
            sys.argv,
            ["data_preprocessing.py", *map(str, files), "--out", str(folder / "faces")],
        )
        try:
            status = command_line.status_of(preprocessing.main)
        finally:
            sys.argv = argv
        assert (folder / "fer2013.csv").read_bytes() == fer
        if status:
            line = said.buffer.getvalue().decode().removesuffix("\n")
            assert line.startswith("error: ") and "\n" not in line and "\r" not in line, line
            assert status == 1 and home in line and len(line) < 400, line
            assert sorted(os.listdir(home)) == ["fer2013.csv", "fer2013new.csv"]
            return line
        assert sorted(os.listdir(home)) == ["faces", "fer2013.csv", "fer2013new.csv"]
        assert (folder / "faces/stage.json").exists() and (folder / "faces/votes.csv").exists()
        return tree_hash(folder / "faces")


@pytest.fixture(scope="module")
def normal():
    result = preprocess(*GOOD)
    assert not result.startswith("error")
    return result


@given(data=st.data())
def test_another_spelling_of_a_good_csv_gives_the_normal_output(normal, data):
    """The spellings differ in details that do not matter.

    They are a byte order mark, other line ends, quotes, blanks, another order of columns, extra
    columns, and blank lines at the end.
    """
    files = []
    for table in good_tables():
        order = data.draw(st.permutations(range(len(table[0]))))
        extra = data.draw(
            st.lists(
                st.sampled_from(["note", "Pixels", "x y", "größe", "1"]), max_size=3, unique=True
            )
        )
        places = [data.draw(st.integers(0, len(order))) for _ in extra]
        for number, row in enumerate(table):
            row[:] = [row[index] for index in order]
            for place, name in zip(places, extra):
                row.insert(place, "" if number else name)
        quoting = data.draw(
            st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
        )
        text = written(
            table, quoting=quoting, lineterminator=data.draw(st.sampled_from(["\n", "\r\n"]))
        )
        if quoting == csv.QUOTE_MINIMAL and data.draw(st.booleans()):
            text = text.replace(b",", b", ")  # as in icml_face_data.csv
        text = (
            b"\xef\xbb\xbf" * data.draw(st.booleans()) + text + b"\n" * data.draw(st.integers(0, 3))
        )
        files.append(text.rstrip(b"\r\n") if data.draw(st.booleans()) else text)
    assert preprocess(*files) == normal


def spoiled_value(data):
    """Return a value that is invalid for pixels and votes."""
    return data.draw(
        st.sampled_from(
            [
                "-1",
                "1001",
                "1e400",
                "nan",
                "inf",
                "7.5",
                "0x10",
                "1_0",
                "\u0661",
                "",
                " ",
                "-",
                "9" * 400,
            ]
        )
        | st.integers(1001, 10**30).map(str)
        | st.integers(-(10**30), -1).map(str)
        | st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="+\0"), max_size=8
        ).filter(lambda text: not text.strip().isdigit())
    )


@given(data=st.data())
def test_a_spoiled_number_is_refused(data):
    fer, ferplus = good_tables()
    row = data.draw(st.integers(1, ROWS))
    value = spoiled_value(data)
    if data.draw(st.booleans()):
        pixels = fer[row][1].split()
        place = data.draw(st.integers(0, len(pixels) - 1))
        pixels[place] = value
        fer[row][1] = " ".join(pixels)
        counts = len(fer[row][1].split()) == len(pixels)
    else:
        column = data.draw(st.integers(2, 11))
        ferplus[row][column] = value
        counts = True
    line = preprocess(written(fer), written(ferplus))
    assert line.startswith("error"), (value, line)
    if counts and value.isprintable() and '"' not in value:
        assert f"row {row - 1} " in line, (value, line)


@given(data=st.data())
def test_columns_missing_or_doubled(normal, data):
    tables = good_tables()
    which = data.draw(st.integers(0, 1))
    table = tables[which]
    column = data.draw(st.integers(0, len(table[0]) - 1))
    name = table[0][column]
    if data.draw(st.booleans()):
        for row in table:
            del row[column]
        result = preprocess(*map(written, tables))
        # Without FER-2013's own labels, only their column in votes.csv is empty
        assert result.startswith("error") == (name != "emotion")
    else:  # pandas renames the second of two equal columns
        for row in table:
            row.append(row[column])
        assert preprocess(*map(written, tables)) == normal


@given(data=st.data())
def test_half_a_download_is_refused(normal, data):
    """A file that is cut anywhere is refused, unless only the last line end is missing."""
    which = data.draw(st.integers(0, 1))
    files = list(GOOD)
    cut = data.draw(
        st.integers(0, len(files[which]) - 1)
        | st.integers(len(files[which]) - 12, len(files[which]) - 1)
    )
    files[which] = files[which][:cut]
    result = preprocess(*files)
    assert result == normal if cut == len(GOOD[which]) - 1 else result.startswith("error")


@given(data=st.data())
def test_bytes_changed_anywhere(data):
    """The result is a whole output or one line.

    The changes are NUL bytes, other encodings, stray quotes, line ends, anything.
    """
    files = list(GOOD)
    which = data.draw(st.integers(0, 1))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(files[which])))
        junk = data.draw(
            st.binary(min_size=1, max_size=6)
            | st.sampled_from(
                [
                    b"\0",
                    b'"',
                    b"\r",
                    b"\n",
                    b",",
                    b"\n\n",
                    b"\xff\xfe",
                    b"\xef\xbb\xbf",
                    b"'",
                    b"\x1a",
                ]
            )
        )
        keep = place + data.draw(st.sampled_from([0, len(junk)]))
        files[which] = files[which][:place] + junk + files[which][keep:]
    preprocess(*files)


@given(data=st.data())
def test_no_csv_at_all(data):
    """The file is a saved sign-in page, half an archive, another encoding, random bytes, or empty."""
    files = list(GOOD)
    which = data.draw(st.integers(0, 1))
    good = GOOD[which]
    others = {
        "nothing": b"",
        "a line end": b"\n",
        "NUL bytes": b"\0" * 5000,
        "HTML": b"<!DOCTYPE html>\n<html><body>Sign in, to download</body></html>\n",
        "gzip": gzip.compress(good),
        "half a zip": zipped(good)[: len(zipped(good)) // 2],
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-32": good.decode().encode("utf-32"),
        "semicolons": good.replace(b",", b";"),
        "tabs": good.replace(b",", b"\t"),
        "only the column names": good.split(b"\n")[0],
        "no column names": good.split(b"\n", 1)[1],
    }
    text = st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
    other = data.draw(st.sampled_from(sorted(others)) | st.binary(max_size=300) | text)
    files[which] = others[other] if isinstance(other, str) else other
    assert preprocess(*files).startswith("error")


@given(data=st.data())
def test_votes_csv_changed_anywhere(tmp_path_factory, data):
    """train.py reads a table with known row numbers and numeric votes, or fails."""
    names = [*VOTES, "plurality", "majority"]
    rows = [f"row{row:05}.png,Training,{','.join('3' * 10)},anger,anger" for row in range(4)]
    good = "\n".join([",".join(["image", "usage", *names]), *rows, ""]).encode()
    place = data.draw(st.integers(0, len(good)))
    junk = data.draw(
        st.binary(max_size=6)
        | st.sampled_from([b'"', b"\n", b",", b"\0", b"inf", b"-", b"row00001.png"])
    )
    path = tmp_path_factory.getbasetemp() / "votes.csv"
    path.write_bytes(
        good[:place] + junk + good[place + data.draw(st.integers(0, 2 * len(junk) + 1)) :]
    )
    try:
        votes = load_votes(path)
    except UserError as refused:
        assert str(path) in str(refused) and "\n" not in str(refused) and len(str(refused)) < 400
    else:
        assert (
            votes is not None
            and votes.index.is_unique
            and {"image", "plurality", "majority"} <= set(votes.columns)
        )


@pytest.mark.parametrize("what", ["a million pixels in one row", "a million blank lines"])
def test_memory_stays_below_a_gigabyte(tmp_path, what):
    fer, ferplus = good_tables()
    if what == "a million pixels in one row":
        fer[3][1] = " ".join(["7"] * 10**6)
    blank = b"\n" * 10**6 if what == "a million blank lines" else b""
    (tmp_path / "fer2013.csv").write_bytes(written(fer) + blank)
    (tmp_path / "fer2013new.csv").write_bytes(written(ferplus))
    files = ["--fer", "fer2013.csv", "--ferplus", "fer2013new.csv", "--out", "out"]
    status, said, most = peak_memory("data_preprocessing.py", *files, cwd=tmp_path)
    assert (status, said.count("\n")) == ((0, 0) if blank else (1, 1)), said
    assert most < 1e9
