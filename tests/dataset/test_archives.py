"""The CSVs in the archives that Kaggle offers."""

import io
import shutil
import tarfile
import zipfile

import pytest
from support.files import tree_hash
from support.scripts import fails, run

from dataset.fer2013 import KAGGLE


def tar_of(files, mode="w:gz"):
    """Return the bytes of a .tar.gz of {name: bytes}."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def zip_of(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def spoiled(archive):
    """Return an archive with wrong bytes in the middle of its contents."""
    half = len(archive) // 2
    return (
        archive[:half]
        + bytes(255 - byte for byte in archive[half : half + 40])
        + archive[half + 40 :]
    )


NOISE = b"emotion,pixels,Usage\n" + b"".join(b"0,%d,Training\n" % (n * n) for n in range(20_000))


@pytest.fixture
def downloads(toy, tmp_path):
    """Return a folder with data/ as it is after the download, and the bytes of the CSV."""
    (tmp_path / "data").mkdir()
    shutil.copy(toy / "data/fer2013new.csv", tmp_path / "data")
    return tmp_path, (toy / "data/fer2013.csv").read_bytes()


ARCHIVES = {
    "fer2013.csv.zip": lambda csv: zip_of({"fer2013.csv": csv, "__MACOSX/._fer2013.csv": b""}),
    "fer2013.tar.gz": lambda csv: tar_of({"fer2013/fer2013.csv": csv, "fer2013/README": b"faces"}),
    "fer2013.zip": lambda csv: zip_of(  # of the challenge
        {"fer2013.tar.gz": tar_of({"fer2013/fer2013.csv": csv}), "train.csv": b"", "test.csv": b""}
    ),
    f"{KAGGLE}.zip": lambda csv: zip_of({"icml_face_data.csv": csv, "train.csv": b""}),
    "icml_face_data.csv.zip": lambda csv: zip_of(
        {"icml_face_data.csv": csv.replace(b"emotion,pixels,Usage", b"emotion, pixels, Usage")}
    ),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_what_was_downloaded_is_read_without_unpacking(downloads, toy, name):
    """This works without an option too. The result is the same."""
    folder, csv = downloads
    (folder / "data" / name).write_bytes(ARCHIVES[name](csv))
    run("data_preprocessing.py", cwd=folder)
    for part in ("pool", "test"):
        made, wanted = folder / "data/faces" / part, toy / "data/faces" / part
        assert tree_hash(made) == tree_hash(wanted)


@pytest.mark.parametrize(
    "name, data, says",
    [
        ("train.csv", b"emotion,pixels\n0,1 2\n", "use icml_face_data.csv"),
        ("a.zip", zip_of({"one.csv": b"", "two.csv": b""}), "contains no fer2013.csv"),
        ("a.tar.gz", tar_of({"notes.txt": b"none"}), "contains no fer2013.csv"),
        ("a.zip", zip_of({"fer2013.csv": b"x" * 5000})[:-30], "download it again"),
        ("a.zip", spoiled(zip_of({"fer2013.csv": NOISE})), "download it again"),
        ("a.tar.gz", spoiled(tar_of({"fer2013.csv": NOISE})), "download it again"),
        ("a.tar.xz", spoiled(tar_of({"fer2013.csv": NOISE}, "w:xz")), "a damaged archive"),
        (
            "a.zip",
            zip_of({"a.zip": zip_of({"a.zip": zip_of({"a.csv": NOISE})})}),
            "in an archive in",
        ),
        ("a.zip", zip_of({"fer2013.csv": b"7 " * 10_000_000}), "a line of more than 16,777,216"),
    ],
    ids=[
        *("without pixels", "two tables", "none", "cut zip", "spoiled zip", "spoiled tar"),
        *("spoiled xz", "three archives", "a line without end"),
    ],
)  # an archive contains the time of its creation
def test_what_is_not_the_download_is_refused(downloads, name, data, says):
    folder, _ = downloads
    (folder / name).write_bytes(data)
    fails("data_preprocessing.py", "--fer", name, cwd=folder, says=[name, says])
    assert not (folder / "data/faces").exists()


def test_a_checksum_at_the_end_of_an_archive_is_looked_at(downloads):
    """Its faces are read before the checksum, but they must not be trusted."""
    folder, csv = downloads
    good = tar_of({"fer2013/fer2013.csv": csv})
    (folder / "data/fer2013.tar.gz").write_bytes(good[:-8] + bytes(4) + good[-4:])
    says = ["fer2013.tar.gz: a damaged archive (CRC", "download it again"]
    fails("data_preprocessing.py", cwd=folder, says=says)
    assert not (folder / "data/faces").exists()
