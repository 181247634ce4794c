"""The contents of a dataset folder, and the parts that are copied."""

import shutil

from PIL import Image
from support.files import images_in
from support.scripts import fails, run

from dataset.images import count, list_images

CONTRAST = ["contrast.py", "--source", "faces", "--out", "out"]  # with the fixture `source`


def test_hidden_files_and_other_files_in_a_dataset(source):
    (source / "anger/.DS_Store").write_bytes(b"")
    (source / "anger/Thumbs.db").write_bytes(b"")
    (source / "empty").mkdir()
    assert count(list_images(source, "")) == {"anger": 3, "happiness": 3}


def test_two_faces_whose_copies_would_share_a_name_are_refused(source, tmp_path):
    Image.new("L", (48, 48)).save(source / "anger/row00001.bmp")
    fails(*CONTRAST, cwd=tmp_path, says=["row00001", "rename"])


def test_more_faces_of_one_emotion_can_be_shuffled_in(source, tmp_path):
    """The training faces themselves must have two emotions."""
    shutil.copytree(source / "anger", tmp_path / "more/anger")
    run("random_shuffle.py", "--sources", source, "more", "--out", "out", cwd=tmp_path)
    assert len(images_in(tmp_path / "out")) == 9
    shuffled = ["--sources", "more", source, "--out", "out"]
    fails("random_shuffle.py", *shuffled, cwd=tmp_path, says=["more: only one emotion, 'anger'"])
