"""The seven scripts in order, from an empty folder to names on the faces of a video, as the README
has them.
"""

import csv
import os

import cv2
from support.files import make_video
from support.scripts import run


def test_the_network_of_the_six_scripts_names_the_faces_of_a_video(trained, tmp_path):
    """The six ran in `trained`, one after the other in an empty folder with no option but fewer
    epochs.
    """
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
    assert said.startswith("the network is that in data/model\n12 frames, 12 faces")
    with open(tmp_path / "faces.csv") as f:
        rows = list(csv.DictReader(f))
    labels = (trained / "data/model/labels.txt").read_text().split()
    assert len(rows) == 12 and list(rows[0])[-len(labels) :] == labels
    assert all(row["emotion"] in labels for row in rows)
    assert cv2.VideoCapture(str(tmp_path / "named.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 12
