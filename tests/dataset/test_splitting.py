"""Copies of a face with different labels, which split-folders may put into different parts."""

from pathlib import Path

from PIL import Image

from dataset.images import list_images
from dataset.splitting import hash_pixels, rejoin_copies


def test_copies_are_rejoined_in_the_earliest_part_that_holds_one(tmp_path):
    """a.png and b.png show one face, c.png and d.png another. e.png has no copy."""
    faces = {
        "anger/a.png": 10,
        "fear/b.png": 10,
        "anger/c.png": 20,
        "fear/d.png": 20,
        "fear/e.png": 30,
    }
    parts = {
        "anger/a.png": "val",
        "fear/b.png": "train",
        "anger/c.png": "test",
        "fear/d.png": "val",
        "fear/e.png": "val",
    }
    for name, gray in faces.items():
        for path in (tmp_path / "pool" / name, tmp_path / "split" / parts[name] / name):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (48, 48), gray).save(path)
    for part in ("train", "val", "test"):
        for emotion in ("anger", "fear"):
            (tmp_path / "split" / part / emotion).mkdir(parents=True, exist_ok=True)
    digests = hash_pixels(list_images(tmp_path / "pool", ""))
    assert rejoin_copies(tmp_path / "split", digests) == 2
    home = {
        "anger/a.png": "train",
        "fear/b.png": "train",
        "anger/c.png": "val",
        "fear/d.png": "val",
        "fear/e.png": "val",
    }
    found = {path.relative_to(tmp_path / "split") for path in (tmp_path / "split").rglob("*.png")}
    assert found == {Path(part, name) for name, part in home.items()}
    assert rejoin_copies(tmp_path / "split", digests) == 0
