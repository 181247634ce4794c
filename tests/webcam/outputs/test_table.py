"""The table of faces."""

import cv2
import numpy as np
from support.files import rows_of
from support.scripts import PICTURE, run


def test_frames_without_a_face_have_a_row_too(tmp_path):
    """So a table tells how many frames there were, and when."""
    writer = cv2.VideoWriter(
        str(tmp_path / "in.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (480, 360)
    )
    photo = cv2.resize(cv2.imread(str(PICTURE))[:384], (480, 360))
    for number in range(30):
        writer.write(photo if number < 10 else np.full_like(photo, 90))
    writer.release()
    given = ["--source", "in.avi", "--headless", "--csv", "out.csv", "--neutral", "auto"]
    assert "30 frames, " in run("realtime.py", *given, cwd=tmp_path).stdout
    rows = rows_of(tmp_path / "out.csv")
    assert [row["frame"] for row in rows] == [str(number) for number in range(30)]
    assert [row["time"] for row in rows] == [f"{number / 10:.3f}" for number in range(30)]
    gone = [row for row in rows if not row["face"]]
    assert len(gone) >= 15 and rows[-1] in gone
    for row in gone:
        assert {name: value for name, value in row.items() if value} == {
            "frame": row["frame"], "time": row["time"], "found": "0"
        }  # fmt: skip


def test_pictures_without_a_face_have_a_row_with_their_name(tmp_path):
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in/a.png"), np.full((120, 160, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "in/b.png"), cv2.imread(str(PICTURE)))
    run("realtime.py", "--source", "in", "--headless", "--csv", "out.csv", cwd=tmp_path)
    rows = rows_of(tmp_path / "out.csv")
    assert [(row["file"], row["face"]) for row in rows] == [("in/a.png", ""), ("in/b.png", "1")]


def test_a_source_without_frames_leaves_the_earlier_table_or_none(tmp_path):
    (tmp_path / "in.png").write_bytes(b"no picture")
    given = ["--source", "in.png", "--headless", "--csv", "out.csv"]
    run("realtime.py", *given, cwd=tmp_path, check=False)
    assert not (tmp_path / "out.csv").exists()
    (tmp_path / "out.csv").write_text("an earlier one")
    run("realtime.py", *given, cwd=tmp_path, check=False)
    assert (tmp_path / "out.csv").read_text() == "an earlier one"
