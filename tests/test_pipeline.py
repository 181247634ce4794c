"""The seven scripts in the order of the README, from an empty folder to named faces in a video."""

import csv
import os

import cv2
from support.files import make_video
from support.scripts import run


def test_the_network_of_the_six_scripts_names_the_faces_of_a_video(trained, tmp_path):
    """The fixture `trained` ran the first six in an empty folder, with fewer epochs."""
    assert sorted(os.listdir(trained / "data")) == [
        "contrast", "faces", "fer2013.csv", "fer2013new.csv", "model", "sharpness", "shuffled", "split"
    ]  # fmt: skip
    make_video(tmp_path / "clip.avi")
    arguments = [
        "--source",
        tmp_path / "clip.avi",
        "--output",
        tmp_path / "named.mp4",
        "--csv",
        tmp_path / "faces.csv",
    ]
    said = run("realtime.py", *arguments, "--headless", cwd=trained).stdout
    assert said.startswith("using the network in data/model\n12 frames, 12 faces")
    with open(tmp_path / "faces.csv") as f:
        rows = list(csv.DictReader(f))
    labels = (trained / "data/model/labels.txt").read_text().split()
    assert len(rows) == 12 and list(rows[0])[-len(labels) :] == labels
    assert all(row["emotion"] in labels for row in rows)
    assert cv2.VideoCapture(str(tmp_path / "named.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 12
