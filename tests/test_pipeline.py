"""The seven scripts in order, typed as the README says, from an empty folder to names on faces in a video."""

import csv

import cv2
from conftest import DATA_STAGES, make_video, run


def test_seven_scripts_in_order(tmp_path):
    run("samples/make_toy_csv.py", cwd=tmp_path)
    for script in DATA_STAGES:
        assert "images: anger" in run(script, cwd=tmp_path).stdout
    said = run("train.py", "--epochs", 1, cwd=tmp_path).stdout
    assert "val, plurality rule: accuracy" in said and "test, majority rule: accuracy" in said
    make_video(tmp_path / "clip.avi")
    said = run(
        "realtime.py", "--source", "clip.avi", "--headless", "--output", "named.mp4", "--csv", "faces.csv", cwd=tmp_path
    )
    assert said.stdout.startswith("12 frames, 12 faces")
    with open(tmp_path / "faces.csv") as f:
        rows = list(csv.DictReader(f))
    assert len(rows) == 12 and {row["emotion"] for row in rows} <= set(rows[0])
    video = cv2.VideoCapture(str(tmp_path / "named.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 12
