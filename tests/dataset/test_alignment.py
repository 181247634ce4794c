"""CSVs whose rows do not belong to the same faces."""

import csv
import random

import pytest
from support.scripts import fails, run

LABEL, PIXELS, USAGE = range(3)


@pytest.fixture(scope="module")
def download(toy):
    """Return the rows of the toy FER-2013, without the column names."""
    with open(toy / "data/fer2013.csv", newline="") as f:
        return list(csv.reader(f))[1:]


def reordered(rows, how):
    """Return the rows in another order. The column of usages stays as it is."""
    labels = [row[:2] for row in rows]
    rng = random.Random(1)
    kinds = {
        "sorted": lambda: labels.sort(key=lambda row: row[LABEL]),
        "shuffled": lambda: rng.shuffle(labels),
        "shifted": lambda: labels.append(labels.pop(0)),
        "sorted, one number": lambda: labels.sort(key=lambda row: row[LABEL]),
    }
    kinds[how]()
    same = how.endswith("one number")
    return [
        [0 if same else label, pixels, row[USAGE]] for (label, pixels), row in zip(labels, rows)
    ]


def write(path, rows):
    with path.open("w", newline="") as f:
        csv.writer(f).writerows([["emotion", "pixels", "Usage"], *rows])


@pytest.mark.parametrize(
    "how, empty",
    [
        ("sorted", True),
        ("sorted", False),
        ("shuffled", False),
        ("shifted", False),
        ("sorted, one number", True),
    ],
)
def test_rows_in_another_order_are_refused(toy, download, tmp_path, how, empty):
    """The labels of both files reveal it.

    So do `empty` faces of one gray value, if people named an emotion for them.
    """
    if not empty:
        full = " ".join(str(number % 256) for number in range(48 * 48))
        download = [
            [row[LABEL], row[PIXELS] if len(set(row[PIXELS].split())) > 1 else full, row[USAGE]]
            for row in download
        ]
    write(tmp_path / "fer2013.csv", reordered(download, how))
    given = ["--fer", tmp_path / "fer2013.csv", "--ferplus", toy / "data/fer2013new.csv"]
    says = ["fer2013.csv", "fer2013new.csv", "keep FER-2013's rows in order"]
    fails("data_preprocessing.py", *given, "--out", "faces", cwd=tmp_path, says=says)
    assert [path.name for path in tmp_path.iterdir()] == ["fer2013.csv"]


@pytest.mark.parametrize("label", ["0", "6", "", "happy"])
def test_a_copy_with_one_label_in_all_rows_passes(toy, download, tmp_path, label):
    write(tmp_path / "fer2013.csv", [[label, *row[1:]] for row in download])
    given = ["--fer", tmp_path / "fer2013.csv", "--ferplus", toy / "data/fer2013new.csv"]
    run("data_preprocessing.py", *given, "--out", "faces", cwd=tmp_path)


def test_both_in_another_order_pass(toy, download, tmp_path):
    """The row numbers are those of the given files."""
    with open(toy / "data/fer2013new.csv", newline="") as f:
        names, *votes = csv.reader(f)
    order = sorted(
        range(len(download)), key=lambda row: (download[row][USAGE], download[row][LABEL])
    )
    write(tmp_path / "fer2013.csv", [download[row] for row in order])
    with open(tmp_path / "votes.csv", "w", newline="") as f:
        csv.writer(f).writerows([names, *(votes[row] for row in order)])
    given = ["--fer", "fer2013.csv", "--ferplus", "votes.csv", "--out", "faces"]
    run("data_preprocessing.py", *given, cwd=tmp_path)


def test_a_part_with_one_frequent_emotion_passes(toy, download, tmp_path):
    """Most of its faces agree by chance."""
    with open(toy / "data/fer2013new.csv", newline="") as f:
        names, *votes = csv.reader(f)
    happy = names.index("happiness")
    rows = [
        row
        for row in range(len(download))
        if votes[row][1] and (int(votes[row][happy]) > 4 or row % 9 == 0)
    ]
    write(tmp_path / "fer2013.csv", [download[row] for row in rows])
    with open(tmp_path / "votes.csv", "w", newline="") as f:
        csv.writer(f).writerows([names, *(votes[row] for row in rows)])
    given = ["--fer", "fer2013.csv", "--ferplus", "votes.csv", "--out", "faces"]
    run("data_preprocessing.py", *given, cwd=tmp_path)
