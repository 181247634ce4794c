"""Bad input gives one line on stderr that names the file, status 1, and leaves the earlier output."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from support.files import make_video, tree_hash
from support.scripts import ROOT, fails, run, slow

from dataset.ferplus import VOTES


@pytest.fixture
def csvs(tmp_path):
    """Write two good CSVs of six rows to data/. Return their lines, and a way to write them."""
    fer = ["emotion,pixels,Usage"] + [
        f"0,{' '.join(['7'] * 2303 + [str(i)])},Training" for i in range(6)
    ]
    ferplus = ["Usage,Image name," + ",".join(VOTES)]
    ferplus += [
        f"Training,fer{i:07}.png,{10 * (i % 2)},{10 - 10 * (i % 2)},0,0,0,0,0,0,0,0"
        for i in range(6)
    ]

    def write():
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data/fer2013.csv").write_text("\n".join(fer) + "\n" if fer else "")
        (tmp_path / "data/fer2013new.csv").write_text("\n".join(ferplus) + "\n" if ferplus else "")

    return {"fer": fer, "ferplus": ferplus}, write


def spoil_row(row, pixels):
    return lambda lines: lines["fer"].__setitem__(row + 1, f"0,{pixels},Training")


def spoil_vote(row, vote):
    return lambda lines: lines["ferplus"].__setitem__(
        row + 1, f"Training,fer.png,{vote},5,0,0,0,0,0,0,0,0"
    )


def spoil_usage(name, row, usage):
    def spoil(lines):
        lines[name][row + 1] = lines[name][row + 1].replace("Training", usage)

    return spoil


FEW, MANY = " ".join(["7"] * 2303), " ".join(["7"] * 2305)
BAD_CSVS = {
    "too few pixels": (spoil_row(3, FEW), ["fer2013.csv", "row 3", "2,303 pixels"]),
    "too many pixels": (spoil_row(3, MANY), ["row 3", "2,305 pixels"]),
    "no pixels": (spoil_row(3, ""), ["row 3"]),
    "a word among the pixels": (spoil_row(3, FEW + " cat"), ["row 3", "not whole numbers"]),
    "a fraction among the pixels": (spoil_row(3, FEW + " 7.5"), ["row 3", "not whole numbers"]),
    "a pixel of 256": (spoil_row(3, FEW + " 256"), ["row 3", "outside 0..255"]),
    "a pixel of -1": (spoil_row(3, FEW + " -1"), ["row 3", "outside 0..255"]),
    "a pixel of 2 to the 64": (spoil_row(3, FEW + f" {2**64}"), ["row 3", "outside 0..255"]),
    "negative votes": (spoil_vote(2, -3), ["fer2013new.csv", "row 2", "-3", "neutral"]),
    "a word for votes": (spoil_vote(2, "five"), ["fer2013new.csv", "row 2", "five"]),
    "half a vote": (spoil_vote(2, 1.5), ["row 2", "1.5"]),
    "no votes": (spoil_vote(2, ""), ["row 2", "''"]),
    "one row more in fer2013": (
        lambda lines: lines["fer"].append(lines["fer"][1]),
        ["6 rows", "has 7"],
    ),
    "one row more in fer2013new": (
        lambda lines: lines["ferplus"].append(lines["ferplus"][1]),
        ["7 rows", "has 6"],
    ),
    "Usage that disagrees": (
        spoil_usage("ferplus", 4, "PublicTest"),
        ["row 4", "PublicTest", "Training"],
    ),
    "a Usage of its own": (spoil_usage("fer", 4, "Holiday"), ["row 4", "Holiday"]),
    "no pixels column": (
        lambda lines: lines["fer"].__setitem__(0, "emotion,pictures,Usage"),
        ["fer2013.csv", "pixels"],
    ),
    "no votes column": (
        lambda lines: lines["ferplus"].__setitem__(0, lines["ferplus"][0].replace("fear", "dread")),
        ["fer2013new.csv", "fear"],
    ),
    "a field too many in the votes": (
        lambda lines: lines["ferplus"].__setitem__(3, lines["ferplus"][3] + ",1"),
        ["fer2013new.csv"],
    ),
    "infinite votes": (spoil_vote(2, "inf"), ["row 2", "inf"]),
    "gzip": (
        lambda lines: lines["fer"].__setitem__(slice(None), ["\x1f\x08\x00\x00", "\x00"]),
        ["fer2013.csv"],
    ),
    "no rows": (lambda lines: lines["fer"].__delitem__(slice(1, None)), ["fer2013.csv", "no rows"]),
    "an empty file": (lambda lines: lines["fer"].clear(), ["fer2013.csv"]),
    "HTML": (
        lambda lines: lines["fer"].__setitem__(slice(None), ["<html>", "<body>Sign in</body>"]),
        ["fer2013.csv"],
    ),
}


@pytest.mark.parametrize("name", BAD_CSVS)
def test_bad_csv(csvs, toy, tmp_path, name):
    lines, write = csvs
    shutil.copytree(toy / "data/faces", tmp_path / "data/faces")
    before = tree_hash(tmp_path / "data/faces")
    spoil, says = BAD_CSVS[name]
    spoil(lines)
    write()
    fails("data_preprocessing.py", cwd=tmp_path, says=says)
    assert tree_hash(tmp_path / "data/faces") == before
    assert sorted(os.listdir(tmp_path / "data")) == ["faces", "fer2013.csv", "fer2013new.csv"]


@pytest.mark.parametrize(
    "script, says",
    [
        ("data_preprocessing.py", ["data/fer2013.csv", "README", "samples/make_toy_csv.py"]),
        ("random_split.py", ["data/faces/pool", "python data_preprocessing.py"]),
        ("contrast.py", ["data/split/train", "python random_split.py"]),
        ("sharpness.py", ["data/split/train", "python random_split.py"]),
        ("random_shuffle.py", ["data/split/train", "python random_split.py"]),
        ("train.py", ["data/shuffled", "python random_shuffle.py"]),
    ],
)
def test_missing_input_names_the_command_that_makes_it(tmp_path, script, says):
    fails(script, cwd=tmp_path, says=says)
    assert not list(tmp_path.iterdir()), "nothing is left behind"


@pytest.mark.parametrize(
    "script, option",
    [
        ("data_preprocessing.py", "--fer"),
        ("random_split.py", "--source"),
        ("contrast.py", "--source"),
        ("random_shuffle.py", "--sources"),
        ("train.py", "--train"),
        ("train.py", "--test"),
    ],
)
def test_an_input_that_was_asked_for_names_its_option(tmp_path, script, option):
    error = fails(
        script, option, "missing", cwd=tmp_path, says=["missing: no such", f"correct {option}"]
    )
    assert "python" not in error, "no script makes it"


def test_a_folder_of_folders_of_pictures_names_their_pattern(tmp_path):
    (tmp_path / "photos/anger").mkdir(parents=True)
    says = ["photos: contains no pictures or videos", "camera number"]
    fails("realtime.py", "--source", "photos", "--headless", cwd=tmp_path, says=says)
    shutil.copy(ROOT / "samples/astronaut.jpg", tmp_path / "photos/anger/a.jpg")
    pattern = "photos/*/*.jpg"
    says = ["photos: only its subfolders contain pictures or videos", f"'{pattern}'"]
    fails("realtime.py", "--source", "photos", "--headless", cwd=tmp_path, says=says)
    done = run("realtime.py", "--source", pattern, "--headless", cwd=tmp_path)
    assert done.stdout.startswith("1 picture, 1 face")


def save(mode, size):
    return lambda path: Image.new(mode, size).save(path, "PNG")


BAD_IMAGES = {
    "text": (lambda path: path.write_text("hello"), "not a readable image"),
    "PostScript": (
        lambda path: path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        "not a readable",
    ),
    "animation": (
        lambda path: Image.new("L", (48, 48)).save(
            path, "PNG", save_all=True, append_images=[Image.new("L", (48, 48), 9)]
        ),
        "2 frame",
    ),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "not a file"),
    "nothing": (lambda path: path.write_bytes(b""), "not a readable image"),
    "half": (lambda path: path.write_bytes(path.read_bytes()[:900]), "not a readable image"),
    "larger": (save("L", (64, 64)), "64x64"),
    "color": (save("RGB", (48, 48)), "mode RGB"),
    "alpha": (save("RGBA", (48, 48)), "mode RGBA"),
    "16 bits": (save("I;16", (48, 48)), "mode I;16"),
    "palette": (save("P", (48, 48)), "mode P"),
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
@pytest.mark.parametrize(
    "script", ["random_split.py", "contrast.py", "sharpness.py", "random_shuffle.py"]
)
def test_bad_image(tmp_path, script, kind):
    for emotion in ("anger", "fear"):
        (tmp_path / "in" / emotion).mkdir(parents=True)
        for number in range(6):
            Image.effect_noise((48, 48), 40).save(tmp_path / f"in/{emotion}/row{number:05}.png")
    option = "--sources" if script == "random_shuffle.py" else "--source"
    spoil, says = BAD_IMAGES[kind]
    spoil(tmp_path / "in/fear/row00004.png")
    fails(script, option, "in", "--out", "out", cwd=tmp_path, says=["in/fear/row00004.png", says])
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize(
    "script", ["random_split.py", "contrast.py", "sharpness.py", "random_shuffle.py"]
)
@pytest.mark.parametrize("what", ["no images", "one emotion only"])
def test_source_without_images_or_with_one_emotion(tmp_path, script, what):
    (tmp_path / "in/anger").mkdir(parents=True)
    if what == "one emotion only":
        Image.new("L", (48, 48)).save(tmp_path / "in/anger/a.png")
    option = "--sources" if script == "random_shuffle.py" else "--source"
    fails(
        script,
        option,
        "in",
        "--out",
        "out",
        cwd=tmp_path,
        says=["in: ", what.replace("only", "")[:11]],
    )


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["random_split.py", "--ratio", "0.5", "0.6"], "--ratio"),
        (["random_split.py", "--ratio", "1"], "--ratio"),
        (["contrast.py", "--factor", "-1"], "--factor"),
        (["sharpness.py", "--factor", "nan"], "--factor"),
        (["random_shuffle.py", "--balance", "0"], "--balance"),
        (["random_shuffle.py", "--balance", "two"], "--balance two: give a whole number above 0"),
        (["train.py", "--epochs", "0"], "--epochs 0: give a whole number above 0"),
        (["train.py", "--epochs", "abc"], "--epochs abc: give a whole number above 0"),
        (["train.py", "--learning-rate", "inf"], "--learning-rate inf: give a number above 0"),
        (["train.py", "--seed", "-1"], "--seed -1: give a whole number from 0"),
        (["train.py", "--labels", "medium"], ["--labels", "'medium'", "soft"]),
        (["realtime.py", "--sorce", "0"], "--sorce"),
    ],
)
def test_option_out_of_range(tmp_path, arguments, says):
    fails(*arguments, cwd=tmp_path, says=says)


def test_too_few_images_for_a_share(tmp_path):
    for emotion, count in (("anger", 9), ("fear", 1)):
        (tmp_path / "in" / emotion).mkdir(parents=True)
        for number in range(count):
            Image.effect_noise((48, 48), 40).save(tmp_path / f"in/{emotion}/{number}.png")
    fails(
        "random_split.py",
        "--source",
        "in",
        "--out",
        "out",
        cwd=tmp_path,
        says=["in/fear", "too few"],
    )


def test_output_folder_without_permission(toy, tmp_path):
    (tmp_path / "file").write_text("a file where a folder should be")
    fails("contrast.py", "--out", tmp_path / "file/out", cwd=toy, says=str(tmp_path / "file"))


@pytest.fixture
def fake_cv2(tmp_path):
    """Return a function that replaces OpenCV by some code, and returns the environment for it."""

    def make(code):
        (tmp_path / "fake").mkdir()
        (tmp_path / "fake/cv2.py").write_text(code)
        return {**os.environ, "PYTHONPATH": str(tmp_path / "fake")}

    return make


def test_opencv_that_cannot_load_libgl(tmp_path, fake_cv2):
    reason = "libGL.so.1: cannot open shared object file: No such file or directory"
    env = fake_cv2(f"raise ImportError({reason!r})")
    fails(
        "realtime.py",
        cwd=tmp_path,
        env=env,
        says=["libGL.so.1", "apt-get install libgl1 libglib2.0-0"],
    )


def test_opencv_5_has_no_cascades(tmp_path, fake_cv2):
    """The real cv2 without the parts that OpenCV 5 no longer has."""
    import cv2

    real = Path(cv2.__file__).parents[1]
    fake = tmp_path / "fake"
    env = fake_cv2(
        f"import sys; sys.path.remove({str(fake)!r}); del sys.modules['cv2']; sys.path.insert(0, {str(real)!r})\n"
        "import cv2; del cv2.CascadeClassifier; cv2.__version__ = '5.0.0'\n"
    )
    fails("realtime.py", cwd=tmp_path, env=env, says=["OpenCV 5.0.0", "-r requirements-webcam.txt"])


@pytest.fixture
def model(tmp_path):
    """Return a copy of the project's network, to damage it."""
    shutil.copytree(ROOT / "pretrained", tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize(
    "name, mend", [("emotion.onnx", "train.py"), ("labels.txt", "copy it again")]
)
def test_realtime_model_without_its_files(model, tmp_path, name, mend):
    (model / name).unlink()
    fails("realtime.py", "--model", "model", cwd=tmp_path, says=[name, "no such file", mend])


def test_realtime_labels_that_do_not_fit(model, tmp_path):
    (model / "labels.txt").write_text("sad\nhappy\n")
    fails(
        "realtime.py",
        "--model",
        "model",
        cwd=tmp_path,
        says=["labels.txt", "2 labels", "8 outputs"],
    )


def test_realtime_labels_without_a_last_line_break_or_with_carriage_returns_work(model, tmp_path):
    labels = (model / "labels.txt").read_text().split()
    (model / "labels.txt").write_bytes("\r\n".join(labels).encode("utf-8-sig"))
    run(
        "realtime.py",
        "--source",
        ROOT / "samples/astronaut.jpg",
        "--model",
        "model",
        "--headless",
        cwd=tmp_path,
    )


@pytest.mark.parametrize(
    "suffix, kept",
    [(".mkv", True), slow(".mp4", False), slow(".mov", False), slow(".avi", True)],
)
def test_realtime_disk_full_keeps_the_earlier_video(model, tmp_path, suffix, kept):
    """The writer reports no error beyond a limit on file sizes, so the loop must notice.

    An MP4 without its end is no video.
    """
    make_video(tmp_path / "in.avi", 60)
    out = tmp_path / f"out{suffix}"
    out.write_text("earlier")
    limit = "ulimit -f 100; trap '' XFSZ; exec \"$@\""
    arguments = [
        ROOT / "realtime.py",
        "--source",
        "in.avi",
        "--model",
        "model",
        "--headless",
        "--output",
        out.name,
    ]
    command = ["bash", "-c", limit, "bash", sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and out.name in done.stderr, (
        done.stderr
    )
    part = [f"out.partial{suffix}"] * kept
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["in.avi", "model", out.name, *part]
    )
    assert out.read_text() == "earlier" and all(name in done.stderr for name in part)
    for name in part:
        assert cv2.VideoCapture(str(tmp_path / name)).read()[0]


@pytest.mark.parametrize("how", ["empty", "text", "cut", "noise"])
def test_realtime_broken_network(model, tmp_path, how):
    path = model / "emotion.onnx"
    data = path.read_bytes()
    noise = np.random.default_rng(3).bytes(5000)
    path.write_bytes(
        {"empty": b"", "text": b"hello " * 50, "cut": data[: len(data) // 2], "noise": noise}[how]
    )
    fails(
        "realtime.py",
        "--model",
        "model",
        cwd=tmp_path,
        says=["emotion.onnx", "not an ONNX network"],
    )


@pytest.mark.parametrize(
    "source, says",
    [
        ("7", ["7: ", "no such camera"]),
        ("99999999999", ["99999999999", "no such file"]),
        ("nowhere.mp4", ["nowhere.mp4", "no such file"]),
        ("bad.mp4", ["bad.mp4", "not a video"]),
        ("bad.jpg", ["bad.jpg", "not a picture"]),
        ("http://127.0.0.1:9/stream", ["127.0.0.1:9", "no stream or video found there"]),
    ],
)
def test_realtime_source_that_cannot_be_opened(model, tmp_path, source, says):
    (tmp_path / "bad.mp4").write_bytes(b"nothing of the kind" * 100)
    (tmp_path / "bad.jpg").write_bytes(b"nothing of the kind" * 100)
    (tmp_path / "table.csv").write_text("earlier")
    arguments = ["--source", source, "--model", "model", "--headless", "--csv", "table.csv"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=says)
    assert (tmp_path / "table.csv").read_text() == "earlier"


@pytest.mark.parametrize(
    "option, name, says",
    [
        ("--output", "nowhere/out.png", ["nowhere", "no such folder"]),
        ("--csv", "nowhere/out.csv", ["nowhere", "no such folder"]),
        ("--output", "out.docx", ["out.docx", "unknown file extension"]),
        ("--output", "me.jpg", ["me.jpg", "would overwrite the source"]),
        ("--output", "", ["unknown file extension"]),
        ("--csv", "model/labels.txt", ["labels.txt", ".csv"]),
    ],
)
def test_realtime_output_that_cannot_be_written(model, tmp_path, option, name, says):
    picture = shutil.copy(ROOT / "samples/astronaut.jpg", tmp_path / "me.jpg")
    before = Path(picture).read_bytes()
    fails(
        "realtime.py",
        "--source",
        "me.jpg",
        "--model",
        "model",
        "--headless",
        option,
        name,
        cwd=tmp_path,
        says=says,
    )
    assert Path(picture).read_bytes() == before


@pytest.mark.parametrize("how", ["missing", slow("text"), slow("labels")])
def test_evaluate_broken_model(model, toy, how):
    if how == "labels":
        (model / "labels.txt").write_text("a\nb\n")
    else:
        (model / "emotion.keras").unlink() if how == "missing" else (
            model / "emotion.keras"
        ).write_text("hello")
    says = {
        "missing": "no such file",
        "text": "not a Keras network",
        "labels": "2 labels for a network with 8",
    }[how]
    fails("train.py", "--evaluate", "--out", model, cwd=toy, says=["model/", says])
