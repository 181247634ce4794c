"""Hostile images and networks.

They are refused by name or accepted as they are. Nothing outside the given folders changes.
"""

import io
import os
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.files import images_in, make_video, tree_hash
from support.networks import write_network
from support.scripts import DATA_STAGES, ROOT, fails, peak_memory, run, slow

from common.errors import UserError
from dataset.images import open_face

COPYING = ["random_split.py", "contrast.py", "sharpness.py", "random_shuffle.py"]
# Runs a script and prints the paths that it opens, makes, moves or removes, with `r` or `w` before
# each
WATCHING = """
import os, runpy, sys
def see(event, args):
    if event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "os.symlink", "os.truncate", "os.chmod"):
        seen.extend(("w", arg) for arg in args[:2] if isinstance(arg, (str, bytes)) and os.path.isabs(os.fsdecode(arg)))
    elif event in ("open", "os.scandir", "os.listdir") and isinstance(args[0], (str, bytes)):
        seen.append(("w" if event == "open" and args[2] & os.O_ACCMODE else "r", args[0]))
    elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "socket.connect"):
        seen.append((event, str(args[0])))
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
import matplotlib.figure, numpy, pandas, PIL.Image, PIL.ImageEnhance, splitfolders, tqdm
seen = []
sys.addaudithook(see)
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    for kind, path in list(seen):
        print(kind, os.path.realpath(os.fsdecode(path)))
"""


@pytest.fixture
def faces(tmp_path):
    """Make a folder faces/ with two emotions of six faces."""
    for emotion in ("anger", "fear"):
        (tmp_path / "faces" / emotion).mkdir(parents=True)
        for number in range(6):
            Image.effect_noise((48, 48), 40).save(tmp_path / f"faces/{emotion}/row{number:05}.png")
    return tmp_path / "faces"


def options(script):
    return ["--sources" if script == "random_shuffle.py" else "--source", "faces", "--out", "out"]


def png(width, height, data):
    """Return a PNG of 8-bit gray that claims a size, whatever its data."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", data),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.mark.parametrize("script", COPYING)
def test_a_bomb_is_refused_before_it_is_opened(faces, tmp_path, script):
    """50,000 x 50,000 pixels take 2.4 MB on disk and 2.5 GB in memory."""
    rows = zlib.compressobj(9)
    (faces / "fear/row00003.png").write_bytes(
        png(50_000, 50_000, rows.compress(bytes(10**8)) + rows.flush())
    )
    status, said, most = peak_memory(script, *options(script), cwd=tmp_path)
    assert status == 1 and said.count("\n") == 1 and "faces/fear/row00003.png" in said, said
    assert most < 2e8
    assert os.listdir(tmp_path) == ["faces"]


@pytest.mark.parametrize("script", DATA_STAGES[1:])
def test_names_that_differ_by_case_alone_are_refused(faces, tmp_path, script):
    """On a disk that ignores case, the copy of one file would replace that of the other."""
    Image.effect_noise((48, 48), 40).save(faces / "fear/Row00003.png")
    says = "faces/fear/row00003.png: differs from Row00003.png only in upper and lower case"
    fails(script, *options(script), cwd=tmp_path, says=says)
    assert os.listdir(tmp_path) == ["faces"]


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_read(tmp_path):
    """30,000 x 30,000 pixels take 1 MB on disk, 3 GB in memory, and two minutes of search."""
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(30_001)) for _ in range(30_000)) + rows.flush()
    (tmp_path / "large.png").write_bytes(png(30_000, 30_000, data))
    arguments = ["--source", "large.png", "--headless"]
    status, said, most = peak_memory("realtime.py", *arguments, cwd=tmp_path)
    assert status == 1 and said.count("\n") == 1
    assert "large.png: not a picture that OpenCV can read, or too large" in said and most < 2e8


@given(data=st.data())
def test_a_face_cut_or_spoiled_anywhere_is_refused_or_the_same(tmp_path_factory, data):
    """A PNG has checksums, so a PNG that opens has its own pixels.

    JPEG and BMP have none. A cut JPEG or BMP is refused.
    """
    face = Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8))
    form = data.draw(st.sampled_from(["PNG", "JPEG", "BMP"]))
    file = io.BytesIO()
    face.save(
        file,
        form,
        **{"compress_level": data.draw(st.sampled_from([0, 6]))} if form == "PNG" else {},
    )
    whole = file.getvalue()
    pixels = Image.open(file).tobytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    cut = form != "PNG" or data.draw(st.booleans())
    spoiled = whole[:place] if cut else whole[:place] + bytes([whole[place] ^ 1 + data.draw(st.integers(0, 254))]) + (
        whole[place + 1 :]
    )  # fmt: skip
    path = tmp_path_factory.getbasetemp() / "spoiled.img"
    path.write_bytes(spoiled)
    try:
        assert open_face(path).tobytes() == pixels
    except UserError as refused:
        assert str(path) in str(refused) and "\n" not in str(refused)


@pytest.mark.parametrize("script", COPYING)
def test_links_to_images_and_folders_are_followed(faces, tmp_path, script):
    """A dataset may consist of links to others."""
    store = tmp_path / "store"
    store.mkdir()
    (faces / "fear").rename(store / "fear")
    (faces / "anger/row00003.png").rename(store / "3.png")
    (faces / "fear").symlink_to(store / "fear")
    (faces / "anger/row00003.png").symlink_to(store / "3.png")
    before = tree_hash(store)
    run(script, *options(script), cwd=tmp_path)
    copies = list((tmp_path / "out").rglob("*row*.png"))
    assert len(copies) == 12 and not any(path.is_symlink() for path in copies)
    assert tree_hash(store) == before and (faces / "fear").is_symlink()


@pytest.mark.parametrize("script", COPYING)
def test_a_link_that_leads_nowhere_is_named(faces, tmp_path, script):
    (faces / "fear/row00009.png").symlink_to(tmp_path / "gone.png")
    fails(script, *options(script), cwd=tmp_path, says=["faces/fear/row00009.png", "not a file"])
    (faces / "fear/row00009.png").unlink()
    (faces / "joy").symlink_to(tmp_path / "gone")
    fails(script, *options(script), cwd=tmp_path, says=["faces/joy", "a broken link"])
    assert os.listdir(tmp_path) == ["faces"]


NAMES = [
    "a b.png",
    "it's.png",
    'say "cheese".png',
    "größe.png",
    "表情.png",
    "-rf.png",
    "$HOME.png",
    "%s{0}.png",
    "~.png",
]


@pytest.mark.parametrize("script", COPYING)
def test_odd_names_are_kept(faces, tmp_path, script):
    for name in NAMES:
        Image.effect_noise((48, 48), 40).save(faces / "fear" / name)
    (faces / "anger").rename(faces / "$\\foo$ 'quoted' 怒り")
    done = run(script, *options(script), cwd=tmp_path)
    assert "error" not in done.stderr
    parts = ["train", "val"] if script == "random_split.py" else ["."]
    copied = [path for part in parts for path in images_in(tmp_path / "out" / part).values()]
    assert len(copied) == 12 + len(NAMES)
    kind = script.removesuffix(".py")
    ending = f"_{kind}.png" if kind in ("contrast", "sharpness") else ".png"
    for name in NAMES:
        stem = name.removesuffix(".png")
        assert sum(
            path.name.removesuffix(ending).split("_", kind == "random_shuffle")[-1] == stem
            for path in copied
        )


@pytest.mark.parametrize("what", ["picture", "folder", "video", "output", "photos", "collect"])
def test_a_name_that_is_not_utf8_is_refused(tmp_path, what):
    """Such a name crashes OpenCV."""
    odd = os.fsdecode(b"\xff")
    (tmp_path / "folder").mkdir()
    (tmp_path / "photos/glad").mkdir(parents=True)
    (tmp_path / "photos/sad").mkdir()
    shutil.copy(ROOT / "samples/astronaut.jpg", tmp_path / "photos/sad")
    for folder in (tmp_path, tmp_path / "folder", tmp_path / "photos/glad"):
        shutil.copy(ROOT / "samples/astronaut.jpg", folder / f"{odd}.jpg")
    make_video(tmp_path / "video.avi").rename(tmp_path / f"{odd}.avi")
    picture = ["--headless", "--source", ROOT / "samples/astronaut.jpg"]
    arguments = {
        "picture": ["--headless", "--source", f"{odd}.jpg"],
        "folder": ["--headless", "--source", "folder"],
        "video": ["--headless", "--source", f"{odd}.avi"],
        "output": [*picture, "--output", f"{odd}.png"],
        "photos": ["--photos", "photos"],
        "collect": [*picture, "--collect", odd, "--emotions", "glad"],
    }[what]
    script = "data_preprocessing.py" if what == "photos" else "realtime.py"
    before = tree_hash(tmp_path)
    says = ["\\udcff", "the name is not UTF-8, which OpenCV needs; rename it"]
    fails(script, *arguments, cwd=tmp_path, says=says)
    assert tree_hash(tmp_path) == before


def test_a_network_in_a_folder_of_any_name_is_read(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    shutil.copytree(ROOT / "pretrained", folder)
    arguments = ["--headless", "--source", ROOT / "samples/astronaut.jpg", "--model", folder.name]
    said = run("realtime.py", *arguments, cwd=tmp_path).stdout
    assert said.startswith("using the network in \\udcff\n1 picture, 1 face: happiness")


@pytest.mark.parametrize("script", ["data_preprocessing.py", *COPYING])
def test_nothing_outside_the_given_folders_is_read_or_written(small_toy, tmp_path, script):
    shutil.copytree(small_toy / "data", tmp_path / "in")
    source = {"data_preprocessing.py": "", "random_split.py": "faces/pool"}.get(
        script, "split/train"
    )
    given_ = ["--source" + "s" * (script == "random_shuffle.py"), f"in/{source}"]
    if script == "data_preprocessing.py":
        given_ = ["--fer", "in/fer2013.csv", "--ferplus", "in/fer2013new.csv"]
    (tmp_path / "results").mkdir()
    before = tree_hash(tmp_path / "in")
    command = [
        sys.executable,
        "-B",
        "-c",
        WATCHING,
        str(ROOT / script),
        *given_,
        "--out",
        "results/out",
    ]
    # An own folder, whatever the user's folder contains
    settings = tmp_path / "results/matplotlib"
    env = {**os.environ, "MPLCONFIGDIR": str(settings)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = [
        line.split(" ", 1)
        for line in done.stdout.splitlines()
        if line[:2] in ("r ", "w ") or "." in line[:12]
    ]
    written = {path for kind, path in seen if kind == "w"} - {os.path.realpath(os.devnull)}
    assert written and all(path.startswith(str(tmp_path / "results")) for path in written), written
    libraries = (*map(os.path.realpath, (sys.prefix, sys.base_prefix)), str(ROOT))
    read = {
        path
        for kind, path in seen
        if kind == "r" and not path.startswith((*libraries, "/usr/", "/etc/", "/proc/"))
    }
    assert all(
        path.startswith((str(tmp_path / "in" / source), str(tmp_path / "results"))) for path in read
    ), read
    assert {kind for kind, _ in seen} == {"r", "w"}
    assert tree_hash(tmp_path / "in") == before


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Make model folders with other Keras networks: large pictures, a map as output, code."""
    home = tmp_path_factory.mktemp("networks")
    code = """
import os; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from pathlib import Path
from keras import layers
def make(name, shape, *more, last=(layers.GlobalAveragePooling2D(), layers.Softmax())):
    Path(name).mkdir()
    network = keras.Sequential([keras.Input(shape), *more, layers.Conv2D(8, 3), *last])
    network.save(Path(name, "emotion.keras"))
make("large", (64, 64, 1))
make("map", (48, 48, 1), last=())
make("code", (48, 48, 1), layers.Lambda(lambda x: __import__("pathlib").Path("ran").touch() or x))
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=home)
    (home / "ran").unlink()  # the code runs if it may
    for folder in home.iterdir():
        shutil.copy(ROOT / "pretrained/labels.txt", folder)
    return home


def test_a_network_of_another_size_in_color_names_faces_too(tmp_path):
    write_network(tmp_path / "model", (3, 64, 64))
    given = ["--source", ROOT / "samples/astronaut.jpg", "--model", "model", "--headless"]
    assert "1 picture, 1 face" in run("realtime.py", *given, cwd=tmp_path).stdout


def test_a_network_without_a_softmax_is_refused(tmp_path):
    write_network(tmp_path / "model", (1, 48, 48), end="Identity")
    says = ["model/emotion.onnx", "not probabilities"]
    fails("realtime.py", "--model", "model", "--headless", cwd=tmp_path, says=says)


@pytest.mark.parametrize("name", ["emotion.onnx", "labels.txt", "metrics.json"])
def test_a_file_of_a_model_that_is_too_large_is_refused_before_it_is_read(tmp_path, name):
    write_network(tmp_path / "model", (1, 48, 48))
    with (tmp_path / "model" / name).open("ab") as file:
        file.truncate(2**40)  # it takes no space on the disk
    given = ["--source", "demo", "--model", "model", "--headless"]
    fails("realtime.py", *given, cwd=tmp_path, says=[f"model/{name}", "larger than"])


def test_a_keras_network_that_unpacks_without_end_is_refused(tmp_path):
    shutil.copytree(ROOT / "pretrained", tmp_path / "model")
    with zipfile.ZipFile(
        tmp_path / "model/emotion.keras", "w", zipfile.ZIP_DEFLATED, True, 1
    ) as archive:
        archive.writestr("model.weights.h5", bytes(2**28 + 1))
    says = ["emotion.keras", "not a Keras network (more than", "unpacked"]
    fails("train.py", "--export", "--out", "model", cwd=tmp_path, says=says)


@pytest.mark.slow
def test_a_network_of_another_make_is_not_exported(networks, tmp_path):
    shutil.copytree(networks / "large", tmp_path / "large")
    (tmp_path / "large/emotion.onnx").write_bytes(b"earlier")
    before = tree_hash(tmp_path)
    says = ["emotion.onnx", "can't be made from this network"]
    fails("train.py", "--export", "--out", "large", cwd=tmp_path, says=says, process=True)
    assert tree_hash(tmp_path) == before


@pytest.mark.parametrize(
    "name, says",
    [
        ("code", "not a Keras network"),
        slow("large", "(64, 64, 1)"),
        slow("map", "not a Keras network"),
    ],
)
def test_a_foreign_network_is_not_evaluated(networks, toy, name, says):
    fails("train.py", "--evaluate", "--out", networks / name, cwd=toy, says=[name, says])
    assert not (toy / "ran").exists()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["--evaluate", "--export"])
@pytest.mark.parametrize("how", ["cut", "noise"])
def test_a_spoiled_keras_network_is_refused(toy, tmp_path, mode, how):
    shutil.copytree(ROOT / "pretrained", tmp_path / "model")
    path = tmp_path / "model/emotion.keras"
    whole = path.read_bytes()
    path.write_bytes(
        whole[: len(whole) // 2] if how == "cut" else np.random.default_rng(2).bytes(5000)
    )
    before = tree_hash(tmp_path)
    fails(
        "train.py",
        mode,
        "--out",
        tmp_path / "model",
        cwd=toy,
        says=["emotion.keras", "not a Keras network"],
    )
    assert tree_hash(tmp_path) == before


@pytest.mark.slow
def test_a_network_cut_anywhere_is_refused_or_works(tmp_path):
    """Each runs in its own process, because OpenCV's reader may crash and must not end the loop."""
    shutil.copytree(ROOT / "pretrained", tmp_path / "model")
    path = tmp_path / "model/emotion.onnx"
    whole = path.read_bytes()
    picture = str(ROOT / "samples/astronaut.jpg")
    command = [
        sys.executable,
        str(ROOT / "realtime.py"),
        "--source",
        picture,
        "--model",
        "model",
        "--headless",
    ]
    for place in [
        1,
        7,
        8,
        20,
        100,
        *np.random.default_rng(4).integers(0, len(whole), 100),
        len(whole) - 1,
    ]:
        path.write_bytes(whole[:place])
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode in (0, 1) and done.stderr.count("\n") == done.returncode, (
            place,
            done.stderr,
        )
