"""Pictures of every kind that OpenCV reads. Pictures that are left out are named."""

import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from support.files import frames_of, rows_of
from support.scripts import PICTURE, fails, peak_memory, run

from webcam.sources.images import count_pictures, read_pictures


@pytest.fixture(scope="session")
def portrait():
    return Image.open(PICTURE)


@pytest.fixture
def kinds(tmp_path, portrait):
    """Make a folder with the sample picture in five kinds of file, one with the wrong ending."""
    folder = tmp_path / "kinds"
    folder.mkdir()
    for name in ("a.jpg", "b.jfif", "e.heic"):
        portrait.save(folder / name, "JPEG")
    for name in ("c.avif", "d.gif"):
        portrait.save(folder / name)
    return folder


def test_every_kind_of_picture_in_a_folder_is_read_and_written(tmp_path, kinds):
    arguments = ["--source", "kinds", "--headless", "--output", "out", "--csv", "out.csv"]
    said = run("realtime.py", *arguments, cwd=tmp_path).stdout
    assert "5 pictures, 5 faces" in said and "left out" not in said
    names = ["a.jpg", "b.jfif", "c.avif", "d.gif", "e.heic"]
    assert [row["file"] for row in rows_of(tmp_path / "out.csv")] == [f"kinds/{n}" for n in names]
    written = ["a.jpg", *(f"{name}.png" for name in names[1:])]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == written
    for path in (tmp_path / "out").iterdir():
        assert cv2.imread(str(path)).shape == (512, 512, 3)


@pytest.mark.parametrize("name", ["b.jfif", "c.avif", "d.gif", "e.heic"])
def test_one_picture_of_any_kind_is_no_video(tmp_path, kinds, name):
    arguments = ["--source", kinds / name, "--headless", "--output", "out.png"]
    assert "1 picture, 1 face: happiness" in run("realtime.py", *arguments, cwd=tmp_path).stdout


def test_what_a_folder_holds_besides_pictures_is_named(tmp_path, kinds):
    for name in ("clip.mov", "notes.txt", ".hidden"):
        (kinds / name).write_text("no picture")
    (kinds / "inner").mkdir()
    said = run("realtime.py", "--source", "kinds", "--headless", cwd=tmp_path).stdout
    assert "kinds: skipped 3 that are not pictures (clip.mov, inner/, notes.txt)" in said
    assert "5 pictures, 5 faces" in said
    # A picture that OpenCV can't read gives an error after the others are done
    (kinds / "raw.dng").write_text("no picture that is known")
    arguments = ["--source", "kinds", "--headless", "--csv", "out.csv"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=["kinds/raw.dng", "convert it"])
    assert len(rows_of(tmp_path / "out.csv")) == 5


def save_several(portrait, path):
    wall = Image.new("RGB", portrait.size, "gray")
    later = [portrait, portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    wall.save(path, save_all=True, append_images=later, duration=[200, 300, 500])


def test_the_pages_of_a_tiff_are_pictures_of_their_own(tmp_path, portrait):
    save_several(portrait, tmp_path / "pages.tif")
    arguments = ["--source", "pages.tif", "--headless", "--output", "out", "--csv", "out.csv"]
    assert "3 pictures, 2 faces" in run("realtime.py", *arguments, cwd=tmp_path).stdout
    rows = rows_of(tmp_path / "out.csv")
    faces = [(row["file"], row["face"]) for row in rows]
    assert faces == [("pages.tif-1", ""), ("pages.tif-2", "1"), ("pages.tif-3", "1")]
    written = [f"pages.tif-{number}.png" for number in (1, 2, 3)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == written


def test_a_page_and_a_picture_that_would_have_one_name_are_refused(tmp_path, portrait):
    (tmp_path / "in").mkdir()
    save_several(portrait, tmp_path / "in/pages.tif")
    portrait.save(tmp_path / "in/Pages.tif-2.png")
    arguments = ["--source", "in", "--headless", "--csv", "out.csv"]
    says = "Pages.tif-2.png: two pictures would get this name in out; rename one"
    fails("realtime.py", *arguments, "--output", "out", cwd=tmp_path, says=says)
    assert os.listdir(tmp_path) == ["in"]
    assert "4 pictures, 3 faces" in run("realtime.py", *arguments, cwd=tmp_path).stdout


@pytest.mark.parametrize("name", ["in.webp", "in.png", "in.gif"])
def test_an_animation_is_a_video_with_its_own_times(tmp_path, portrait, name):
    save_several(portrait, tmp_path / name)
    arguments = ["--source", name, "--headless", "--output", "out.mp4", "--csv", "out.csv"]
    assert "3 frames, 2 faces" in run("realtime.py", *arguments, cwd=tmp_path).stdout
    assert [row["time"] for row in rows_of(tmp_path / "out.csv")] == ["0.000", "0.200", "0.500"]
    frames = frames_of(tmp_path / "out.mp4")
    assert len(frames) == 10  # a second, at ten frames a second
    gray = [np.abs(frame.astype(int) - 128).mean() < 8 for frame in frames]
    assert gray == [True] * 2 + [False] * 8
    assert np.abs(frames[3].astype(int) - frames[8]).mean() > 10


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_a_gray_animation_is_seen(tmp_path, portrait, mode):
    gray = portrait.convert("L")
    if mode == "I;16":
        gray = Image.fromarray(np.array(gray).astype(np.uint16) * 257)
    gray.save(tmp_path / "in.png", save_all=True, append_images=[gray.rotate(5)], duration=100)
    said = run("realtime.py", "--source", "in.png", "--headless", cwd=tmp_path).stdout
    assert "2 frames, 2 faces" in said


def test_animations_among_other_pictures_give_every_picture(tmp_path, portrait):
    (tmp_path / "in").mkdir()
    save_several(portrait, tmp_path / "in/a.webp")
    portrait.save(tmp_path / "in/b.png")
    arguments = ["--source", "in", "--headless", "--csv", "out.csv"]
    assert "4 pictures, 3 faces" in run("realtime.py", *arguments, cwd=tmp_path).stdout
    names = [row["file"] for row in rows_of(tmp_path / "out.csv")]
    assert names == ["in/a.webp-1", "in/a.webp-2", "in/a.webp-3", "in/b.png"]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Make a folder with two animations of 12 times 48 MB, and a small picture."""
    folder = tmp_path_factory.mktemp("large")
    grays = [Image.new("L", (4000, 3000), 10 * number) for number in range(12)]
    several = {"save_all": True, "append_images": grays[1:], "duration": 100, "compress_level": 1}
    for name in ("a.gif", "b.png"):
        grays[0].save(folder / name, **several)
    grays[0].resize((60, 40)).save(folder / "c.png")
    return folder


def test_a_large_animation_is_a_video_or_refused(large):
    said = run("realtime.py", "--source", "a.gif", "--headless", cwd=large).stdout
    assert said.startswith("12 frames, 0 faces")
    says = "b.png: an animation too large for OpenCV; convert it to MP4"
    fails("realtime.py", "--source", "b.png", "--headless", cwd=large, says=says)


def test_large_animations_among_other_pictures_are_named(large, tmp_path):
    """They are not held in memory, and the other pictures are processed."""
    (large / "d.jpg").write_bytes(b"none")
    arguments = ["--source", large, "--headless", "--output", "out"]
    status, said, memory = peak_memory("realtime.py", *arguments, cwd=tmp_path)
    unread = f"{large}/d.jpg: not a picture that OpenCV can read, or too large; convert it to PNG or JPEG"
    too_large = f"{large}/a.gif, {large}/b.png: an animation too large to read as pictures"
    assert status == 1 and said.count("\n") == 1 and unread in said and too_large in said
    assert memory < 400e6
    assert os.listdir(tmp_path / "out") == ["c.png"]


def test_many_pictures_in_a_file_are_the_ones_that_were_put_in(tmp_path):
    """There are more pictures than are read at once. Each has its own gray value."""
    pages = [Image.new("L", (40, 30), 10 * number) for number in range(20)]
    for name in ("in.tif", "in.gif"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:], duration=100)
        path = tmp_path / name
        grays = [
            round(picture.mean() / 10) for picture in read_pictures(path, count_pictures(path))
        ]
        assert grays == list(range(20)), name


def test_a_file_of_too_many_pages_is_named(tmp_path, portrait):
    page = Image.new("1", (8, 8))
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page] * 1000)
    portrait.save(tmp_path / "b.png")
    arguments = ["--source", tmp_path, "--headless", "--csv", "out.csv"]
    fails("realtime.py", *arguments, cwd=tmp_path, says="a.tif: more than 1,000 pages; split it")
    assert [row["file"] for row in rows_of(tmp_path / "out.csv")] == [str(tmp_path / "b.png")]


def test_several_faces_of_one_picture_are_named_from_left_to_right(tmp_path, photo):
    cv2.imwrite(str(tmp_path / "in.png"), np.hstack([photo, photo[:, ::-1]]))
    said = run("realtime.py", "--source", "in.png", "--headless", cwd=tmp_path).stdout
    assert said.startswith("1 picture, 2 faces: happiness ") and said.count("happiness") == 2


@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.gif", "b.webp", "b.tif", "b.bmp"])
def test_pictures_cut_after_their_first_bytes_are_named(tmp_path, portrait, name):
    portrait.save(tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:40])
    portrait.save(tmp_path / "a.png")
    arguments = ["--source", "a.png", name, "--headless", "--csv", "out.csv"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=[f"{name}: not a picture"])
    assert [row["file"] for row in rows_of(tmp_path / "out.csv")] == ["a.png"]


@pytest.mark.parametrize("kind", [b"tEXt", b"IDAT", b"acTL"])
def test_a_png_that_promises_more_than_it_holds_is_refused_in_little_memory(
    tmp_path, portrait, kind
):
    """The file claims a length or a number of frames of 2^31 or more.

    OpenCV would allocate the memory first.
    """
    text = PngImagePlugin.PngInfo()
    text.add_text("title", "portrait")
    small = portrait.resize((100, 110))
    small.save(tmp_path / "in.png", pnginfo=text, save_all=True, append_images=[small.rotate(90)])
    data = bytearray((tmp_path / "in.png").read_bytes())
    data[data.index(kind) + (4 if kind == b"acTL" else -4)] ^= 0x80
    (tmp_path / "in.png").write_bytes(data)
    status, said, most = peak_memory(
        "realtime.py", "--source", "in.png", "--headless", cwd=tmp_path
    )
    assert status == 1 and said.startswith("error: in.png: not a picture")
    assert most < 400 * 2**20


@pytest.mark.parametrize("how", ["fewer frames", "half a frame"])
def test_an_animation_that_lost_frames_or_parts_of_them_is_named(tmp_path, portrait, how):
    small = [portrait.resize((100, 110)).rotate(angle) for angle in (0, 90, 180)]
    small[0].save(tmp_path / "in.png", save_all=True, append_images=small[1:])
    data = (tmp_path / "in.png").read_bytes()
    if how == "fewer frames":
        place = data.index(b"acTL") + 7  # the last byte of the number of frames
        data = data[:place] + bytes([data[place] - 1]) + data[place + 1 :]
    else:
        place = data.index(b"fdAT")
        (length,) = struct.unpack(">I", data[place - 4 : place])
        chunk = data[place : place + 4 + length // 2]
        left = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        data = data[: place - 4] + left + data[place + 8 + length :]
    (tmp_path / "in.png").write_bytes(data)
    fails("realtime.py", "--source", "in.png", "--headless", cwd=tmp_path, says="in.png: not a")


@pytest.mark.parametrize("offset", [8, 2**63 + 5])
def test_a_tiff_that_leads_nowhere_is_named(tmp_path, offset):
    """Its link leads to itself, or beyond all files."""
    entry = struct.pack("<HHQQ", 256, 4, 1, 48)
    head = b"II+\0" + struct.pack("<HHQ", 8, 0, 16)
    page = struct.pack("<Q", 1) + entry + struct.pack("<Q", 16 if offset == 8 else offset)
    (tmp_path / "in.tif").write_bytes(head + page)
    fails("realtime.py", "--source", "in.tif", "--headless", cwd=tmp_path, says="in.tif: not a")


@pytest.mark.parametrize("large", [False, True])
def test_a_tiff_that_lost_its_last_pages_is_named(tmp_path, portrait, large):
    """OpenCV counts only the remaining pages."""
    pages = [portrait.resize((100, 110)).rotate(angle) for angle in (0, 90, 180)]
    path = tmp_path / "pages.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:], big_tiff=large)
    assert "3 pictures" in run("realtime.py", "--source", path, "--headless", cwd=tmp_path).stdout
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    says = "pages.tif: not a picture"
    fails("realtime.py", "--source", path, "--headless", cwd=tmp_path, says=says)


def test_a_jpeg_that_lacks_its_end_is_named(tmp_path):
    """OpenCV fills the missing part with gray."""
    data = PICTURE.read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) * 6 // 10])
    fails("realtime.py", "--source", "cut.jpg", "--headless", cwd=tmp_path, says="cut.jpg: not a")


def test_a_thin_picture_and_a_flat_one_after_it_hold_no_face(tmp_path):
    """OpenCV sizes its buffers by the widest and the tallest image so far."""
    for number, size in enumerate([(24, 60_000), (480, 480), (60_000, 24), (2, 5000)]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((*size, 3), 90, np.uint8))
    said = run("realtime.py", "--headless", "--source", *sorted(tmp_path.iterdir()), cwd=tmp_path)
    assert said.stdout.startswith("4 pictures, 0 faces")
