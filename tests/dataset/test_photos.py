"""A user's own photographs: the result of each, and the refusals."""

import csv
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from support.files import read_picture, tree_hash
from support.scripts import ROOT, fails, run


@pytest.fixture(scope="module")
def picture(photo):
    """Return a part of the sample picture with its one face."""
    return photo[:300, 80:380]


def tilted(picture, degrees):
    """Return a picture turned clockwise about its middle."""
    size = picture.shape[1::-1]
    affine = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), -degrees, 1)
    return cv2.warpAffine(picture, affine, size, borderMode=cv2.BORDER_REPLICATE)


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


@pytest.fixture
def photos(tmp_path, picture):
    """Make a folder of two emotions with two photographs each, all different."""
    folder = tmp_path / "photos"
    for emotion, step in (("glad", 1), ("sad", -1)):
        for number in range(2):
            save(folder / emotion / f"IMG {number}.jpg", picture[number:, ::step])
    return folder


def preprocess(cwd, *arguments):
    return run("data_preprocessing.py", "--photos", "photos", *arguments, cwd=cwd).stdout


def gray(path):
    face = Image.open(path)
    assert (face.mode, face.size, face.format) == ("L", (48, 48), "PNG")
    return np.asarray(face)


def likeness(one, other):
    """Return the correlation of two faces, near 1 for copies shifted by a pixel."""
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def skipped(folder):
    with open(folder / "data/faces/skipped.csv", encoding="utf-8") as f:
        return [tuple(row.values()) for row in csv.DictReader(f)]


@pytest.mark.parametrize("degrees", [0, 25, -25])
def test_a_crop_is_what_the_network_sees_in_the_picture(photos, tmp_path, picture, degrees):
    from webcam import FaceAnalyzer

    path = save(photos / "glad" / "turned.png", tilted(picture, degrees))
    preprocess(tmp_path)
    crop = gray(tmp_path / "data/faces/pool/glad/turned.png")
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    (face,) = analyzer.analyze_image(read_picture(path))
    assert np.array_equal(analyzer.classifier.predict(crop[None])[0], face.probabilities)
    assert face.emotion == "happiness"


def test_a_picture_is_turned_as_its_exif_data_say(photos, tmp_path, picture):
    upright = Image.fromarray(picture[:, :, ::-1])
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF: turn by 90 degrees clockwise
    upright.rotate(90, expand=True).save(photos / "glad/phone.jpg", exif=exif, quality=100)
    upright.save(photos / "glad/upright.png")
    preprocess(tmp_path)
    turned, there = (
        gray(tmp_path / f"data/faces/pool/glad/{name}.png") for name in ("phone", "upright")
    )
    assert likeness(turned, there) > 0.9


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp"])
def test_faces_of_48_pixels_pass_as_they_are(photos, tmp_path, suffix):
    """Noise without a face passes too, gray or in color."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    faces = {"gray": noise[:, :, 0], "colors": noise}
    paths = {name: save(photos / f"sad/{name}{suffix}", face) for name, face in faces.items()}
    preprocess(tmp_path)
    for name, path in paths.items():
        want = cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2GRAY)
        assert np.array_equal(gray(tmp_path / f"data/faces/pool/sad/{name}.png"), want)


def test_what_is_left_out_is_listed_and_counted(photos, tmp_path, picture):
    save(photos / "sad/wall.png", np.full((300, 300, 3), 128, np.uint8))
    two = np.full((300, 600, 3), 128, np.uint8)
    two[:, :300], two[60:240, 360:540] = picture[:, ::-1], cv2.resize(picture, (180, 180))
    save(photos / "sad/two.png", two)
    (photos / "glad/Thumbs.db").write_bytes(b"none")
    (photos / "glad/.hidden").write_bytes(b"none")
    pages = [Image.fromarray(picture)] * 2
    pages[0].save(photos / "glad/pages.tif", save_all=True, append_images=pages[1:])
    said = preprocess(tmp_path)
    assert said.splitlines()[:2] == [
        "photos: 8 files read; no face: 1; not a picture: 1; several faces, largest used: 1; "
        "several pictures in one file: 1",
        "data/faces/pool: 5 images: glad 2, sad 3",
    ]
    assert skipped(tmp_path) == [
        ("pool", "glad", "Thumbs.db", "not a picture"),
        ("pool", "glad", "pages.tif", "several pictures in one file"),
        ("pool", "sad", "two.png", "several faces, largest used"),
        ("pool", "sad", "wall.png", "no face"),
    ]
    # The larger of the two faces, not the other one
    two, one = (gray(tmp_path / f"data/faces/pool/sad/{name}.png") for name in ("two", "IMG 0"))
    assert likeness(two, one) > 0.9 > likeness(two[:, ::-1], one)


def test_the_contact_sheet_shows_the_faces_under_their_emotions(photos, tmp_path):
    preprocess(tmp_path)
    sheet = np.asarray(Image.open(tmp_path / "data/faces/faces.png"))
    places = {}
    for path in sorted((tmp_path / "data/faces/pool").glob("*/*.png")):
        face = np.asarray(Image.open(path).resize((96, 96)))
        apart, _, place, _ = cv2.minMaxLoc(cv2.matchTemplate(sheet, face, cv2.TM_SQDIFF_NORMED))
        assert apart < 1e-6
        places[path.parent.name, path.stem] = place
    columns, rows = zip(*places.values())
    assert columns[0] == columns[2] < columns[1] == columns[3]
    assert rows[0] == rows[1] < rows[2] - 96 and rows[2] == rows[3]


def test_the_same_photographs_give_the_same_bytes(photos, tmp_path):
    preprocess(tmp_path, "--out", "data/one")
    preprocess(tmp_path, "--out", "data/two")
    assert tree_hash(tmp_path / "data/one") == tree_hash(tmp_path / "data/two")


def test_faces_of_the_test_photographs_are_left_out_of_the_pool(photos, tmp_path, picture):
    for emotion in ("glad", "sad"):
        save(tmp_path / "test" / emotion / "held back.png", picture[5:])
    (tmp_path / "test/glad/again.jpg").write_bytes((photos / "glad/IMG 1.jpg").read_bytes())
    said = preprocess(tmp_path, "--test-photos", "test").splitlines()
    assert said[0] == "photos: 4 files read; copy of a test face: 1"
    assert said[2:4] == [
        "data/faces/pool: 3 images: glad 1, sad 2",
        "data/faces/test: 3 images: glad 2, sad 1",
    ]
    assert ("pool", "glad", "IMG 1.jpg", "copy of a test face") in skipped(tmp_path)


def one_emotion(photos):
    for path in (photos / "sad").iterdir():
        path.unlink()
    (photos / "sad").rmdir()


def move(path, to):
    path.rename(path.parents[1] / to)


def people(photos, name):
    """Turn a folder of an emotion into one of a person, with two emotions."""
    folder = photos / {"anna": "glad", "ben": "sad"}[name]
    folder.rename(photos / name)
    for emotion in ("happy", "sad"):
        shutil.copytree(photos / name, photos / f".{emotion}")
    for path in (photos / name).iterdir():
        path.unlink()
    for emotion in ("happy", "sad"):
        (photos / f".{emotion}").rename(photos / name / emotion)


def cut(path):
    path.write_bytes(path.read_bytes()[:3000])


REFUSED = {
    "a picture in no folder": (
        lambda photos: move(photos / "sad/IMG 0.jpg", "loose.jpg"),
        ("photos/loose.jpg: a picture outside the emotion folders", "move it into one"),
    ),
    "a link that leads nowhere": (
        lambda photos: (photos / "angry").symlink_to("nowhere"),
        ("photos/angry: a broken link", "fix or remove it"),
    ),
    "an emotion's name with a blank": (
        lambda photos: (photos / "sad").rename(photos / "sad "),
        ("photos/sad : its name has spaces at an end", "rename it"),
    ),
    "an emotion's name of two lines": (
        lambda photos: (photos / "sad").rename(photos / "sa\nd"),
        ("photos/sa\\nd: ", "unprintable characters; rename it"),
    ),
    "too long a name": (
        lambda photos: (photos / "sad/IMG 0.jpg").rename(photos / "sad" / ("x" * 255)),
        ("xxx: the file name of its face would be too long", "rename it"),
    ),
    "no picture with a face": (
        lambda photos: [cv2.imwrite(str(path), np.zeros((99, 99))) for path in photos.glob("sad/*")],
        ("photos/sad: no usable face in its 2 files (no face: 2)", "add some"),
    ),
    "an empty emotion": (
        lambda photos: (photos / "angry").mkdir(),
        ("photos/angry: contains no pictures", "add some, or remove it"),
    ),
    "empty folders in folders": (
        lambda photos: (photos / "angry/more").mkdir(parents=True),
        ("photos/angry: contains no pictures", "add some, or remove it"),
    ),
    "a data set with its parts": (
        lambda photos: (photos / "sad").rename(photos / "Test"),
        ("photos/Test: named like part of a data set", "give --photos this folder instead"),
    ),
    "emotions below people": (
        lambda photos: [people(photos, name) for name in ("anna", "ben")],
        ("photos: its subfolders contain folders of emotions (happy, sad)", "one folder per emotion"),
    ),
    "a link to the folder itself": (
        lambda photos: (photos / "angry").symlink_to("."),
        ("photos/angry: a link to a folder that contains it", "remove it"),
    ),
    "several that break off": (
        lambda photos: [cut(path) for path in photos.glob("*/*.jpg")],
        ("glad/IMG 0.jpg, photos/glad/IMG 1.jpg, photos/sad/IMG 0.jpg and 1 more: not a picture",),
    ),
    "one emotion": (one_emotion, "photos: only one subfolder, 'glad'; sort the pictures into two or more, one per"),
    "half a picture": (
        lambda photos: cut(photos / "sad/IMG 0.jpg"),
        ("photos/sad/IMG 0.jpg: not a picture that OpenCV can read", "convert it"),
    ),
    "kinds that OpenCV can't read": (
        lambda photos: [(photos / f"sad/{n}.heic").write_bytes(b"ftypheic") for n in range(3)],
        ("photos/sad/0.heic, photos/sad/1.heic, photos/sad/2.heic: not a picture that OpenCV can read", "convert it"),
    ),
    "two pictures of one name": (
        lambda photos: (photos / "sad/img 0.PNG").write_bytes(b""),
        ("photos/sad/IMG 0.jpg and img 0.PNG: their faces would have the same name", "rename one"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_photographs_that_are_refused(photos, tmp_path, what):
    spoil, says = REFUSED[what]
    spoil(photos)
    fails("data_preprocessing.py", "--photos", "photos", cwd=tmp_path, says=says)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_an_emotion_of_the_test_photographs_alone_is_refused(photos, tmp_path, picture):
    for emotion in ("glad", "happy"):
        save(tmp_path / "test" / emotion / "a.png", picture[5:])
    says = "test/happy: no photographs to train this emotion on"
    arguments = ["--photos", "photos", "--test-photos", "test"]
    fails("data_preprocessing.py", *arguments, cwd=tmp_path, says=says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--photos", "photos", "--rule", "majority"], "--rule: not allowed with --photos; leave it out"),
        (["--photos", "photos", "--pool-all"], "--pool-all: not allowed with --photos; leave it out"),
        (["--photos", "photos", "--test-photos", "photos"], "photos: also given to --photos"),
        (["--test-photos", "photos"], "--test-photos: needs --photos; give both, or neither"),
        (["--photos", "photo"], "photo: no such folder; correct --photos"),
        (["--photos", "photos", "--test-photos", "x"], "x: no such folder; correct --test-photos"),
        (["--photos", "photos", "--detector", "x.onnx"], "x.onnx: no such file"),
        (["--photos", "photos", "--out", "photos/faces"], "overlaps the input"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_photographs(photos, tmp_path, arguments, says):
    before = tree_hash(tmp_path)
    fails("data_preprocessing.py", *arguments, cwd=tmp_path, says=says)
    assert tree_hash(tmp_path) == before


def test_odd_names_are_kept_and_what_is_no_file_is_no_picture(photos, tmp_path):
    names = ["a b.jpg", "x.y.JPG", "größe.jpg", "-rf.jpg", "line\nbreak.jpg", "no ending"]
    for name in names:
        (photos / "sad" / name).write_bytes((photos / "sad/IMG 0.jpg").read_bytes())
    os.mkfifo(photos / "sad/pipe.jpg")
    (photos / "sad/link.jpg").symlink_to("nowhere")
    (photos / "sad/folder.jpg").symlink_to("..")
    preprocess(tmp_path)
    there = {path.name for path in (tmp_path / "data/faces/pool/sad").iterdir()}
    assert there == {f"{Path(name).stem}.png" for name in [*names, "IMG 0.jpg", "IMG 1.jpg"]}
    left_out = ["folder.jpg", "link.jpg", "pipe.jpg"]
    assert skipped(tmp_path) == [("pool", "sad", name, "not a picture") for name in left_out]


def test_folders_in_an_emotions_folder_are_looked_into(photos, tmp_path, picture):
    """A data set may be sorted by emotion and person. The person becomes part of a face's name."""
    for person in ("S1", "S2/morning"):
        save(photos / "sad" / person / "IMG 0.jpg", picture[5:])
    save(photos / "glad/S1/flat.png", np.full((90, 90, 3), 100, np.uint8))
    preprocess(tmp_path)
    pool = tmp_path / "data/faces/pool"
    assert sorted(path.name for path in (pool / "sad").iterdir()) == [
        "IMG 0.png",
        "IMG 1.png",
        "S1_IMG 0.png",
        "S2_morning_IMG 0.png",
    ]
    assert len(list((pool / "glad").iterdir())) == 2
    # A link is followed, unless it leads to a folder around it
    (photos / "glad/anna").symlink_to("../sad/S1")
    preprocess(tmp_path)
    assert (pool / "glad/anna_IMG 0.png").is_file()
    assert ("pool", "glad", "S1/flat.png", "no face") in skipped(tmp_path)


def test_a_log_says_how_far_it_is(tmp_path):
    for number in range(102):
        face = np.full((48, 48), number, np.uint8)
        save(tmp_path / "photos" / ("sad", "glad")[number % 2] / f"{number}.png", face)
    assert preprocess(tmp_path).startswith("100 of 102 files\nphotos: 102 files read")


def test_a_face_in_the_folders_of_two_emotions_is_listed(photos, tmp_path):
    (photos / "sad/again.jpg").write_bytes((photos / "glad/IMG 0.jpg").read_bytes())
    said = preprocess(tmp_path).splitlines()
    assert said[0] == "photos: 5 files read; the same face in several emotions: 2"
    reason = "the same face in several emotions"
    assert skipped(tmp_path) == [
        ("pool", "glad", "IMG 0.jpg", reason),
        ("pool", "sad", "again.jpg", reason),
    ]


def test_what_lies_beside_a_picture_under_its_name_is_no_hindrance(photos, tmp_path):
    """A phone puts such files there."""
    for name in ("IMG 0.mov", "IMG 0.aae"):
        (photos / "sad" / name).write_bytes(b"none")
    assert preprocess(tmp_path).startswith("photos: 6 files read; not a picture: 2\n")
