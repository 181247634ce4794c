"""The five data stages on the toy CSV.

The tests check counts, pixels, names, votes, leaks, and the same bytes each time.
"""

import csv
import json
import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from support.files import images_in
from support.scripts import run

from dataset.fer2013 import EMOTIONS
from dataset.ferplus import VOTES


@pytest.fixture(scope="module")
def rows(toy):
    """Return all rows of the two toy CSVs: (pixels, usage, votes or None).

    The csv module reads them.
    """
    with open(toy / "data/fer2013.csv") as fer, open(toy / "data/fer2013new.csv") as ferplus:
        pairs = list(zip(csv.DictReader(fer), csv.DictReader(ferplus)))
    return [
        (
            bytes(map(int, face["pixels"].split())),
            face["Usage"],
            [int(v[x]) for x in VOTES] if v["Image name"] else None,
        )
        for face, v in pairs
    ]


def plurality_by_hand(votes):
    name = VOTES[votes.index(max(votes))]
    return "" if name in ("unknown", "NF") else name


def majority_by_hand(votes):
    votes = [0 if v == 1 else v for v in votes]
    top = max(votes)
    return plurality_by_hand(votes) if top * 2 > sum(votes) else ""


def expected(rows, rule):
    """Return the expected output of data_preprocessing, computed by another method.

    {'pool/anger/row00000.png': pixels}
    """
    test = {
        f"test/{majority_by_hand(votes)}/row{i:05}.png": pixels
        for i, (pixels, usage, votes) in enumerate(rows)
        if votes and usage == "PrivateTest" and majority_by_hand(votes)
    }
    pool = {
        f"pool/{rule(votes)}/row{i:05}.png": pixels
        for i, (pixels, usage, votes) in enumerate(rows)
        if votes and usage != "PrivateTest" and rule(votes) and pixels not in test.values()
    }
    return pool | test


def pixels_of(folder):
    return {
        path.relative_to(folder).as_posix(): Image.open(path).tobytes()
        for path in folder.glob("*/*/*.png")
    }


@pytest.mark.parametrize("rule", ["plurality", "majority"])
def test_preprocessing_writes_the_csvs_pixels_under_the_right_label(toy, rows, tmp_path, rule):
    run("data_preprocessing.py", "--rule", rule, "--out", tmp_path / "faces", cwd=toy)
    want = expected(rows, plurality_by_hand if rule == "plurality" else majority_by_hand)
    assert pixels_of(tmp_path / "faces") == want
    face = Image.open(tmp_path / "faces" / next(iter(want)))
    assert (face.mode, face.size, face.format) == ("L", (48, 48), "PNG")


def test_every_row_is_accounted_for(toy, rows, tmp_path):
    said = run("data_preprocessing.py", "--out", tmp_path / "faces", cwd=toy).stdout
    numbers = [
        int(text.replace(",", "")) for text in re.findall(r"\d[\d,]*(?= )", said.splitlines()[0])
    ]
    read, blank, unknown, undecided, copies = numbers
    assert read == len(rows) == 500
    assert blank == sum(votes is None for *_, votes in rows) > 0
    assert copies > 0 and unknown > 0
    assert read == blank + unknown + undecided + copies + len(pixels_of(tmp_path / "faces"))


def test_pool_all_puts_private_rows_in_the_pool(toy, rows, tmp_path):
    run("data_preprocessing.py", "--pool-all", "--out", tmp_path / "faces", cwd=toy)
    want = {
        f"pool/{plurality_by_hand(votes)}/row{i:05}.png": pixels
        for i, (pixels, _, votes) in enumerate(rows)
        if votes and plurality_by_hand(votes)
    }
    assert pixels_of(tmp_path / "faces") == want
    assert not (tmp_path / "faces/test").exists()


def test_votes_csv_joins_every_image_with_its_row(toy, rows):
    with open(toy / "data/faces/votes.csv") as f:
        table = {line["image"]: line for line in csv.DictReader(f)}
    images = {path.name: path for path in (toy / "data/faces").glob("*/*/*.png")}
    with open(toy / "data/fer2013.csv") as f:
        own = [EMOTIONS[int(line["emotion"])] for line in csv.DictReader(f)]
    assert sorted(table) == sorted(images)
    for name, line in table.items():
        _, usage, votes = rows[int(name[3:8])]
        assert line["usage"] == usage
        assert [int(line[column]) for column in VOTES] == votes
        assert (line["plurality"], line["majority"]) == (
            plurality_by_hand(votes),
            majority_by_hand(votes),
        )
        assert line["fer2013"] == own[int(name[3:8])]


def test_no_face_of_the_pool_is_in_the_test_set_by_pixels(toy):
    pixels = pixels_of(toy / "data/faces")
    pool = {data for name, data in pixels.items() if name.startswith("pool")}
    test = {data for name, data in pixels.items() if name.startswith("test")}
    assert pool and test and not pool & test


def test_split_keeps_every_image_once_and_copies_on_one_side(toy):
    pool = {
        f"pool/{name}": path.read_bytes()
        for name, path in images_in(toy / "data/faces/pool").items()
    }
    parts = {part: images_in(toy / "data/split" / part) for part in ("train", "val")}
    joined = {
        f"pool/{name}": path.read_bytes()
        for images in parts.values()
        for name, path in images.items()
    }
    assert joined == pool and len(parts["train"]) + len(parts["val"]) == len(pool)
    assert 0.15 < len(parts["val"]) / len(pool) < 0.25
    pixels = {
        part: {Image.open(path).tobytes() for path in images.values()}
        for part, images in parts.items()
    }
    assert not pixels["train"] & pixels["val"]


def test_split_meets_copies_with_different_labels(toy):
    """The test before this one proves something only if there are copies with different labels."""
    labels: dict[bytes, set[str]] = {}
    for name, data in pixels_of(toy / "data/faces").items():
        labels.setdefault(data, set()).add(name.split("/")[1])
    assert sum(len(names) > 1 for names in labels.values()) >= 3


def test_split_in_three(toy, tmp_path):
    run("random_split.py", "--ratio", 0.6, 0.2, 0.2, "--out", tmp_path / "split", cwd=toy)
    parts = [images_in(tmp_path / "split" / part) for part in ("train", "val", "test")]
    assert sum(map(len, parts)) == len(images_in(toy / "data/faces/pool"))
    pixels = [{Image.open(path).tobytes() for path in images.values()} for images in parts]
    assert not (pixels[0] & pixels[1] or pixels[0] & pixels[2] or pixels[1] & pixels[2])


def test_rerun_with_another_seed_replaces_and_never_merges(toy, tmp_path):
    run("random_split.py", "--out", tmp_path / "split", "--seed", 1, cwd=toy)
    first = set(images_in(tmp_path / "split/val"))
    run("random_split.py", "--out", tmp_path / "split", "--seed", 2, cwd=toy)
    second = set(images_in(tmp_path / "split/val"))
    assert first != second
    assert not second & set(images_in(tmp_path / "split/train"))


def test_contrast_spreads_gray_values_around_their_mean(toy):
    for name, path in list(images_in(toy / "data/split/train").items())[::50]:
        face = np.asarray(Image.open(path)).astype(float)
        copy = np.asarray(Image.open(toy / "data/contrast" / name.replace(".png", "_contrast.png")))
        mean = int(face.mean() + 0.5)
        assert np.abs(copy - np.clip(mean + 1.5 * (face - mean), 0, 255)).max() <= 1


def test_sharpness_moves_each_pixel_away_from_its_blurred_self(toy):
    weights = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13  # Pillow's SMOOTH filter
    for name, path in list(images_in(toy / "data/split/train").items())[::50]:
        face = np.asarray(Image.open(path)).astype(float)
        copy = np.asarray(
            Image.open(toy / "data/sharpness" / name.replace(".png", "_sharpness.png"))
        )
        windows = np.lib.stride_tricks.sliding_window_view(face, (3, 3))
        blurred = (windows * weights).sum(axis=(2, 3))
        want = np.clip(blurred + 1.75 * (face[1:-1, 1:-1] - blurred), 0, 255)
        assert np.abs(copy[1:-1, 1:-1] - want).max() <= 2


@pytest.mark.parametrize("script", ["contrast.py", "sharpness.py"])
def test_enhanced_copies_one_for_one_and_factor_one_changes_nothing(toy, tmp_path, script):
    kind = script.removesuffix(".py")
    source = images_in(toy / "data/split/train")
    assert set(images_in(toy / "data" / kind)) == {
        name.replace(".png", f"_{kind}.png") for name in source
    }
    run(script, "--factor", 1, "--out", tmp_path / "same", cwd=toy)
    for name, path in source.items():
        copy = Image.open(tmp_path / "same" / name.replace(".png", f"_{kind}.png"))
        assert copy.mode == "L" and copy.tobytes() == Image.open(path).tobytes()


def test_shuffle_holds_every_source_image_once_numbered_from_one(toy):
    sources = [toy / "data" / name for name in ("split/train", "contrast", "sharpness")]
    want = Counter(
        (name, path.read_bytes()) for source in sources for name, path in images_in(source).items()
    )
    shuffled = images_in(toy / "data/shuffled")
    got = Counter(
        (re.sub(r"/\d{5}_", "/", name), path.read_bytes()) for name, path in shuffled.items()
    )
    assert got == want
    for emotion in {name.split("/")[0] for name in shuffled}:
        names = [name for name in shuffled if name.startswith(f"{emotion}/")]
        assert [int(name.split("/")[1][:5]) for name in names] == list(range(1, len(names) + 1))
        assert [re.sub(r"/\d{5}_", "/", name) for name in names] != sorted(
            re.sub(r"/\d{5}_", "/", n) for n in names
        )
    assert Image.open(toy / "data/shuffled/class_counts.png").size[0] > 500


def test_shuffle_balances_towards_the_commonest_emotion(toy, tmp_path):
    run(
        "random_shuffle.py",
        "--sources",
        "data/split/train",
        "--balance",
        3,
        "--out",
        tmp_path / "out",
        cwd=toy,
    )
    stage = json.loads((tmp_path / "out/stage.json").read_text())
    most = max(stage["images_in"].values())
    assert stage["images_out"] == {
        name: n * min(3, most // n) for name, n in stage["images_in"].items()
    }
    assert (
        Counter(name.split("/")[0] for name in images_in(tmp_path / "out")) == stage["images_out"]
    )


def test_a_folder_of_ones_own_joins_the_set(toy, tmp_path):
    mine = tmp_path / "mine/happiness"
    mine.mkdir(parents=True)
    (tmp_path / "mine/anger").mkdir()
    Image.new("L", (48, 48), 7).save(mine / "me at work.png")
    Image.new("L", (48, 48), 9).save(tmp_path / "mine/anger/me.jpg")
    run(
        "random_shuffle.py",
        "--sources",
        "data/split/train",
        tmp_path / "mine",
        "--out",
        tmp_path / "out",
        cwd=toy,
    )
    assert len(list((tmp_path / "out/happiness").glob("*_me at work.png"))) == 1
    assert len(list((tmp_path / "out/anger").glob("*_me.jpg"))) == 1


@pytest.mark.parametrize("name", ["faces", "split", "contrast", "sharpness", "shuffled"])
def test_stage_json_counts_what_is_there(toy, name):
    stage = json.loads((toy / "data" / name / "stage.json").read_text())
    counts = stage["images_out"]
    nested = counts if name in ("faces", "split") else {"": counts}
    for part, per_emotion in nested.items():
        assert per_emotion == Counter(
            image.split("/")[0] for image in images_in(toy / "data" / name / part)
        )
    assert str(toy) not in json.dumps(stage)
    assert set(stage) == {"script", "arguments", "seed", "images_in", "images_out"}
    assert stage["seed"] == (42 if name in ("split", "shuffled") else None)
