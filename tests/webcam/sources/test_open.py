"""realtime.py without a window: pictures and videos, and its outputs."""

import os
import re
import shutil

import cv2
import numpy as np
import pytest
from support.files import frames_of, make_video, rows_of
from support.scripts import PICTURE, ROOT, fails, run, slow

from webcam.display.overlay import COLORS

# Pictures


def test_picture_gives_its_one_face_a_row_and_a_box(tmp_path):
    shutil.copy(PICTURE, tmp_path / "me.jpg")
    arguments = ["--source", "me.jpg", "--headless", "--output", "out.png"]
    said = run("realtime.py", *arguments, "--csv", "out.csv", cwd=tmp_path).stdout
    assert re.match(r"1 picture, 1 face: happiness \d+%\nwrote out.png\nwrote out.csv", said)
    (row,) = rows_of(tmp_path / "out.csv")
    labels = (ROOT / "pretrained/labels.txt").read_text().split()
    assert list(row) == [
        "frame",
        "time",
        "face",
        "x",
        "y",
        "width",
        "height",
        "found",
        "label",
        "emotion",
        "confidence",
        *labels,
    ]
    x, y, width, height = (int(row[name]) for name in ("x", "y", "width", "height"))
    assert x < 224 < x + width and y < 118 < y + height and 80 < width < 200
    probabilities = [float(row[name]) for name in labels]
    assert sum(probabilities) == pytest.approx(1, abs=1e-3)
    assert row["emotion"] == labels[int(np.argmax(probabilities))]
    assert float(row["confidence"]) == max(probabilities)
    before, after = cv2.imread(str(PICTURE)), cv2.imread(str(tmp_path / "out.png"))
    changed = np.argwhere((before != after).any(axis=2))
    assert before.shape == after.shape and len(changed) > 1000
    color = COLORS[labels.index(row["emotion"])]
    assert tuple(after[y + height, x + width // 2]) == color, "the box's lower edge"
    inside = slice(y + 10, y + height - 10), slice(x + 10, x + width - 10)
    assert (before[inside] == after[inside]).all()


def test_mirror_turns_picture_and_boxes(tmp_path):
    for option in ("--mirror", "--no-mirror"):
        names = ["--csv", f"out{option}.csv", "--output", f"out{option}.png"]
        run("realtime.py", "--source", PICTURE, "--headless", option, *names, cwd=tmp_path)
    (mirrored,), (plain,) = (
        rows_of(tmp_path / f"out{option}.csv") for option in ("--mirror", "--no-mirror")
    )
    left = 512 - int(plain["x"]) - int(plain["width"])
    assert abs(int(mirrored["x"]) - left) <= 5 and abs(int(mirrored["y"]) - int(plain["y"])) <= 5
    pictures = [
        cv2.imread(str(tmp_path / f"out{option}.png")) for option in ("--mirror", "--no-mirror")
    ]
    assert (pictures[0][300:] == pictures[1][300:, ::-1]).all()


@pytest.mark.parametrize("how", ["folder", "pattern", "names"])
def test_many_pictures_go_through_in_order(tmp_path, photo, how):
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos/a1.png"), photo)
    cv2.imwrite(str(tmp_path / "photos/a2.jpg"), np.full((120, 160, 3), 128, np.uint8))
    cv2.imwrite(str(tmp_path / "photos/a3.PNG"), cv2.resize(photo, (256, 256)))
    (tmp_path / "photos/notes.txt").write_text("not a picture")
    source = {
        "folder": ["photos"],
        "pattern": ["photos/a*"],
        "names": [f"photos/a{n}" for n in ("1.png", "2.jpg", "3.PNG")],
    }
    arguments = ["--headless", "--output", "out", "--csv", "out.csv"]
    said = run("realtime.py", "--source", *source[how], *arguments, cwd=tmp_path).stdout
    assert "3 pictures, 2 faces" in said and "wrote out\n" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a1.png",
        "a2.jpg",
        "a3.PNG",
    ]
    rows = rows_of(tmp_path / "out.csv")
    assert [(row["frame"], row["face"], row["file"]) for row in rows] == [
        ("0", "1", "photos/a1.png"),
        ("1", "", "photos/a2.jpg"),
        ("2", "1", "photos/a3.PNG"),
    ]
    assert (cv2.imread(str(tmp_path / "out/a1.png")) != photo).any()


@pytest.mark.parametrize("how", ["text", "cut"])
def test_a_broken_picture_is_named_once_the_others_are_done(tmp_path, photo, how):
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "c.png"):
        shutil.copy(PICTURE, tmp_path / "photos" / name)
    data = cv2.imencode(".png", photo)[1].tobytes()
    (tmp_path / "photos/b.png").write_bytes(
        b"no picture" if how == "text" else data[: len(data) // 2]
    )
    arguments = ["--source", "photos", "--headless", "--output", "out", "--csv", "out.csv"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=["photos/b.png", "not a picture"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]
    assert [row["file"] for row in rows_of(tmp_path / "out.csv")] == [
        "photos/a.png",
        "photos/c.png",
    ]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--source", "empty"], ["empty", "contains no pictures or videos"]),
        (["--source", "nothing*.jpg"], ["nothing*.jpg", "no such file"]),
        (["--source", "photos", "clip.avi"], ["clip.avi", "make it the only --source"]),
        (["--source", "photos", "--output", "photos"], ["photos", "contains the source files"]),
        (["--source", "photos", "more/a.png", "--output", "out"], ["a.png", "two pictures"]),
        (["--source", "photos", "--output", "clip.avi"], ["clip.avi", "set --output to a folder"]),
        (["--source", "photos", "--output", "nowhere/out"], ["nowhere", "no such folder"]),
        (["--source", "photos", "--size", "640x480"], ["--size", "camera"]),
        (["--source", "clip.avi", "--size", "640x480"], ["--size", "camera"]),
        (["--source", "clip.avi", "--size", "640"], ["--size 640", "1280x720"]),
        (["--source", "clip.avi", "--size", "0x480"], ["--size 0x480", "1280x720"]),
        (["--source", "0", "--size", "1" * 5000 + "x1"], ["--size 111", "1280x720"]),
        (["--source", "file://clip.avi"], ["no such file"]),
        (["--source", "clip.avi", "--smoothing", "-1"], ["--smoothing -1", "0 or more"]),
        (["--source", "clip.avi", "--smoothing", "nan"], ["--smoothing nan", "0 or more"]),
    ],
)
def test_sources_and_options_that_do_not_fit(tmp_path, arguments, says):
    for folder in ("photos", "more", "empty"):
        (tmp_path / folder).mkdir()
    shutil.copy(PICTURE, tmp_path / "photos/a.png")
    shutil.copy(PICTURE, tmp_path / "more/a.png")
    make_video(tmp_path / "clip.avi", frames=2)
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    fails("realtime.py", *arguments, "--headless", cwd=tmp_path, says=says)
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


ODD_PICTURES = {
    "one_pixel": (np.zeros((1, 1, 3), np.uint8), 0),
    "one_line": (np.zeros((1, 3000, 3), np.uint8), 0),
    "gray": (lambda photo: cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), 1),
    "alpha": (lambda photo: cv2.cvtColor(photo, cv2.COLOR_BGR2BGRA), 1),
    "16_bits": (lambda photo: photo.astype(np.uint16) * 257, 1),
    "48_megapixels": (lambda photo: cv2.resize(photo, (8000, 6000)), 1),
    "in_the_corner": (lambda photo: photo[50:200, 165:400], 1),
}


@pytest.mark.parametrize(
    "name", [slow(name) if name == "48_megapixels" else name for name in ODD_PICTURES]
)
def test_odd_pictures(tmp_path, photo, name):
    picture, faces = ODD_PICTURES[name]
    picture = picture(photo) if callable(picture) else picture
    cv2.imwrite(str(tmp_path / "in.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    arguments = ["--source", "in.png", "--headless", "--output", "out.png", "--bars"]
    said = "1 face:" if faces else "0 faces"
    assert f"1 picture, {said}" in run("realtime.py", *arguments, cwd=tmp_path).stdout
    assert cv2.imread(str(tmp_path / "out.png")).shape[:2] == picture.shape[:2]


# Videos


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_video_keeps_every_frame_its_size_and_rate(tmp_path, suffix):
    make_video(tmp_path / "in.avi", frames=10)
    arguments = ["--source", "in.avi", "--headless", "--output", f"out{suffix}"]
    run("realtime.py", *arguments, "--csv", "out.csv", cwd=tmp_path)
    video = cv2.VideoCapture(str(tmp_path / f"out{suffix}"))
    frames = [video.read()[1] for _ in range(10)]
    assert all(frame.shape == (360, 480, 3) for frame in frames) and not video.read()[0]
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(25)
    rows = rows_of(tmp_path / "out.csv")
    assert [int(row["frame"]) for row in rows] == list(range(10))
    assert [float(row["time"]) for row in rows] == pytest.approx(
        [number / 25 for number in range(10)], abs=1e-3
    )


@pytest.mark.parametrize("size", [(2, 2), (16, 900), (1920, 20)])
def test_videos_of_odd_sizes(tmp_path, size):
    writer = cv2.VideoWriter(str(tmp_path / "in.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, size)
    for _ in range(5):
        writer.write(np.zeros((size[1], size[0], 3), np.uint8))
    writer.release()
    said = run(
        "realtime.py",
        "--source",
        "in.avi",
        "--headless",
        "--output",
        "out.avi",
        "--bars",
        cwd=tmp_path,
    ).stdout
    assert (
        said.startswith("5 frames, 0 faces")
        and frames_of(tmp_path / "out.avi")[0].shape[1::-1] == size
    )


def test_names_that_ffmpeg_or_the_terminal_would_misread(tmp_path):
    make_video(tmp_path / "12:30.avi", frames=5)
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    arguments = ["--source", "12:30.avi", "--headless", "--output", "http:\u00fc.avi"]
    assert "wrote http:\\xfc.avi" in run("realtime.py", *arguments, cwd=tmp_path, env=env).stdout
    assert len(frames_of(tmp_path / "http:\u00fc.avi")) == 5


def test_a_file_given_as_a_url_is_not_overwritten(tmp_path):
    before = make_video(tmp_path / "in.avi", frames=5).read_bytes()
    source = (tmp_path / "in.avi").as_uri()
    fails(
        "realtime.py",
        "--source",
        source,
        "--headless",
        "--output",
        "in.avi",
        cwd=tmp_path,
        says="would overwrite the source",
    )
    assert (tmp_path / "in.avi").read_bytes() == before


def test_a_pattern_may_stand_for_one_video(tmp_path):
    make_video(tmp_path / "in.avi", frames=5)
    assert run("realtime.py", "--source", "i*.avi", "--headless", cwd=tmp_path).stdout.startswith(
        "5 frames, 5 faces"
    )


def test_a_video_cut_off_is_named_as_far_as_it_goes(tmp_path):
    whole = make_video(tmp_path / "whole.avi", frames=20).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) * 6 // 10])
    arguments = ["--source", "cut.avi", "--headless", "--output", "out.avi", "--csv", "out.csv"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=["cut.avi", "damaged", "of 0.8 seconds"])
    frames = len(frames_of(tmp_path / "out.avi"))
    assert 8 <= frames < 20 and len(rows_of(tmp_path / "out.csv")) == frames


def test_without_a_model_of_ones_own_the_one_beside_the_script_is_used(tmp_path):
    """It works from any folder, and needs only NumPy and OpenCV."""
    for name in ("keras", "tensorflow", "pandas", "PIL", "tqdm", "matplotlib", "sklearn"):
        (tmp_path / "block" / name).mkdir(parents=True)
        (tmp_path / "block" / name / "__init__.py").write_text(
            f"raise ImportError('{name} is blocked')"
        )
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "block")}
    run("realtime.py", "--source", PICTURE, "--headless", "--csv", "out.csv", cwd=tmp_path, env=env)
    (row,) = rows_of(tmp_path / "out.csv")
    assert row["emotion"] == "happiness", "the astronaut smiles"


def test_a_videos_shares_are_no_confidences(tmp_path):
    make_video(tmp_path / "in.avi", frames=5)
    said = run("realtime.py", "--source", "in.avi", "--headless", cwd=tmp_path).stdout
    assert re.match(r"5 frames, 5 faces, [0-9.]+ frames/s; 100% of the faces happiness\n", said)


def plot(folder, table):
    """Return the plot of a table, and the output of plot_csv.py."""
    said = run("samples/plot_csv.py", table, "out.png", cwd=folder).stdout
    return cv2.imread(str(folder / "out.png")), said


def test_the_table_of_a_video_can_be_plotted(tmp_path):
    make_video(tmp_path / "in.avi", frames=10)
    run("realtime.py", "--source", "in.avi", "--headless", "--csv", "out.csv", cwd=tmp_path)
    assert plot(tmp_path, "out.csv")[0].std() > 20
    header, first, *rest = (tmp_path / "out.csv").read_text().splitlines()
    (tmp_path / "none.csv").write_text(header + "\n")
    says = ["none.csv", "no faces"]
    fails("samples/plot_csv.py", "none.csv", "none.png", cwd=tmp_path, says=says)
    # A single frame leaves no time axis, so it gets a bar in the emotion's colour
    (tmp_path / "one.csv").write_text(f"{header}\n{first}\n")
    picture, _ = plot(tmp_path, "one.csv")
    yellow = np.abs(picture.astype(int) - COLORS[4]).max(axis=2) < 20
    assert yellow.sum() > 0.3 * picture.shape[1] * 20
    # If not all faces fit, the plot shows those that were seen longest
    rows = [
        ",".join([*row.split(",")[:2], str(number), *row.split(",")[3:]])
        for number in range(1, 40)
        for row in [first, *rest][: 1 + number // 5]
    ]
    (tmp_path / "many.csv").write_text("\n".join([header, *rows]) + "\n")
    picture, said = plot(tmp_path, "many.csv")
    assert "the 12 faces seen longest, of 39" in said and picture.shape[0] < 4000


def test_the_table_of_pictures_can_be_plotted(tmp_path, photo):
    (tmp_path / "in").mkdir()
    for name in ("a$b$.png", "c.png"):
        cv2.imwrite(str(tmp_path / "in" / name), photo)
    run("realtime.py", "--source", "in", "--headless", "--csv", "out.csv", cwd=tmp_path)
    picture, said = plot(tmp_path, "out.csv")
    yellow = np.abs(picture.astype(int) - COLORS[4]).max(axis=2) < 20
    rows = np.flatnonzero(yellow.sum(axis=1) > 0.3 * picture.shape[1])
    assert (np.diff(rows) > 1).sum() == 1, "two bars"
    assert said == "wrote out.png\n"
    assert "faces.csv" in run("samples/plot_csv.py", "--help", cwd=tmp_path).stdout


# Several videos


@pytest.mark.parametrize("how", ["folder", "names", "pattern"])
def test_several_videos_are_worked_off_one_after_the_other(tmp_path, how):
    """Each video has its own files and numbers. A video that fails does not stop the others."""
    (tmp_path / "clips").mkdir()
    for name, frames in (("a.avi", 10), ("c.avi", 20)):
        make_video(tmp_path / "clips" / name, frames)
    (tmp_path / "clips/b.avi").write_bytes(b"no video " * 100)
    names = [f"clips/{name}.avi" for name in "abc"]
    source = {"folder": ["clips"], "names": names, "pattern": ["clips/*.avi"]}[how]
    given = ["--source", *source, "--headless", "--output", "out", "--csv", "tables"]
    done = run("realtime.py", *given, cwd=tmp_path, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: 1 of 3 videos failed: {names[1]}: ")
    assert f"2 of 3: {names[1]}\n3 of 3: {names[2]}\n20 frames, 20 faces" in done.stdout
    for name, frames in (("a", 10), ("c", 20)):
        assert len(frames_of(tmp_path / f"out/{name}.avi")) == frames
        rows = rows_of(tmp_path / f"tables/{name}.csv")
        assert [row["frame"] for row in rows] == [str(number) for number in range(frames)]
        assert {row["face"] for row in rows} == {"1"}
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["a.csv", "c.csv"]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--source", "0", "1"], "0: only one camera per run"),
        (["--source", "a.avi", "1"], "1: only one camera per run"),
        (["--source", "a.avi", "demo"], "demo: can't be combined with other sources; make it"),
        (["--source", "a.avi", "http://localhost/b.mp4"], "only one address per run"),
        (
            ["--source", "a.avi", "b/a.avi", "--csv", "out"],
            "a.csv: two videos would get this name in out",
        ),
        (["--source", "a.avi", "b/a.avi", "--output", "a.avi"], "a.avi: one file for 2 videos"),
        (["--source", "a.avi", "b/a.avi", "--csv", "no/out"], "no: no such folder"),
        (["--source", "a.avi", "b.png"], "a.avi: not a picture"),
        (["--source", "a.avi", "b/c.wmv", "--output", "b"], "b/c.mp4: would overwrite the source"),
        (["--source", "a.avi", "b/a.avi", "--output", "new.mp4"], "new.mp4: one file for 2 videos"),
        (
            ["--source", "a.avi", "a.partial.avi", "--output", "out"],
            "two videos would get this name",
        ),
    ],
)
def test_several_sources_that_do_not_go_together_are_refused(tmp_path, arguments, says):
    (tmp_path / "b").mkdir()
    make_video(tmp_path / "a.avi")
    shutil.copy(tmp_path / "a.avi", tmp_path / "b/a.avi")
    shutil.copy(tmp_path / "a.avi", tmp_path / "a.partial.avi")
    shutil.copy(tmp_path / "a.avi", tmp_path / "b/c.wmv")
    (tmp_path / "b/c.mp4").symlink_to("c.wmv")
    cv2.imwrite(str(tmp_path / "b.png"), np.full((60, 60, 3), 100, np.uint8))
    before = sorted(tmp_path.rglob("*"))
    fails("realtime.py", *arguments, "--headless", cwd=tmp_path, says=says)
    assert sorted(tmp_path.rglob("*")) == before
