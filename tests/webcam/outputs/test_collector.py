"""Faces saved without a window. (test_window.py tests them with a window.)"""

import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from support.files import make_video
from support.scripts import PICTURE, ROOT, fails, run


def faces_in(folder):
    """Return {emotion: faces, uint8 (n, 48, 48)} in a folder. Assert the format that step 1 needs."""
    faces = {}
    for path in sorted(folder.glob("*/*")):
        face = Image.open(path)
        assert (face.mode, face.size, face.format) == ("L", (48, 48), "PNG")
        faces.setdefault(path.parent.name, []).append(np.asarray(face))
    return {emotion: np.stack(some) for emotion, some in faces.items()}


def collect(cwd, source, emotion):
    arguments = ["--headless", "--collect", "got", "--emotions", emotion]
    return run("realtime.py", "--source", source, *arguments, cwd=cwd).stdout


def test_a_saved_face_is_what_the_network_saw(tmp_path):
    """The saved face is the larger of two, turned upright."""
    from webcam import FaceAnalyzer

    photo = cv2.imread(str(PICTURE))[:300, 80:380]
    affine = cv2.getRotationMatrix2D((150, 150), -20, 1)
    two = np.full((300, 600, 3), 128, np.uint8)
    two[:, :300] = cv2.warpAffine(photo, affine, (300, 300), borderValue=(128, 128, 128))
    two[60:240, 380:560] = cv2.resize(photo, (180, 180))
    cv2.imwrite(str(tmp_path / "two.png"), two)
    assert "wrote got: 1 face: very glad 1\n" in collect(tmp_path, "two.png", "very glad")
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    tilted, upright = analyzer.analyze_image(two)
    assert abs(tilted.square[3]) >= 10 > abs(upright.square[3])
    faces = faces_in(tmp_path / "got")["very glad"]
    assert np.array_equal(analyzer.classifier.predict(faces)[0], tilted.probabilities)


def test_of_a_video_two_faces_a_second_are_saved(tmp_path):
    make_video(tmp_path / "clip.avi", frames=30)  # 1.2 seconds
    assert "wrote got: 3 faces: glad 3\n" in collect(tmp_path, "clip.avi", "glad")
    assert "wrote got: 3 faces: sad 3\n" in collect(tmp_path, "clip.avi", "sad")
    assert {emotion: len(some) for emotion, some in faces_in(tmp_path / "got").items()} == {
        "glad": 3,
        "sad": 3,
    }


def test_a_face_that_is_covered_for_a_moment_is_not_saved(tmp_path):
    """The box of the face stays for a moment, so that it does not flicker."""
    face = cv2.resize(cv2.imread(str(PICTURE))[:450], (480, 360))
    covered = np.random.default_rng(0).integers(100, 150, face.shape, np.uint8)
    writer = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (480, 360)
    )
    for number in range(50):
        writer.write(covered if 12 <= number < 18 or 24 <= number < 30 else face)
    writer.release()
    collect(tmp_path, "clip.avi", "glad")
    first, *others = faces_in(tmp_path / "got")["glad"]
    assert len(others) >= 2
    assert all(np.corrcoef(first.ravel(), other.ravel())[0, 1] > 0.8 for other in others)


def test_it_says_when_no_face_was_saved(tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((300, 300, 3), 128, np.uint8))
    assert "got: no face found to save\n" in collect(tmp_path, "wall.png", "glad")


def test_a_folder_that_holds_the_sources_is_refused(tmp_path):
    (tmp_path / "got/glad").mkdir(parents=True)
    shutil.copy(PICTURE, tmp_path / "got/glad")
    arguments = ["--headless", "--collect", "got", "--emotions", "glad"]
    says = "got: contains the source files; choose another --collect"
    fails("realtime.py", "--source", "got/glad", *arguments, cwd=tmp_path, says=says)


def test_every_picture_gives_a_face_and_the_first_step_takes_them_as_they_are(tmp_path):
    photo = cv2.imread(str(PICTURE))[:300, 80:380]
    for number in range(3):
        path = tmp_path / f"photos/{number}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), photo[number:])
    for emotion in ("glad", "sad"):
        collect(tmp_path, "photos", emotion)
    run("data_preprocessing.py", "--photos", "got", cwd=tmp_path)
    want, got = faces_in(tmp_path / "got"), faces_in(tmp_path / "data/faces/pool")
    assert {emotion: len(some) for emotion, some in want.items()} == {"glad": 3, "sad": 3}
    assert all(np.array_equal(want[emotion], got[emotion]) for emotion in want)


def test_a_mirrored_face_lies_where_it_is_in_the_mirror_image():
    from webcam import Face

    face = Face(1, np.array([10.0, 20.0, 30.0, 15.0]), ["glad"], np.ones(1, np.float32), "glad")
    assert face.mirrored(100).square.tolist() == [60.0, 20.0, 30.0, -15.0]
    assert face.mirrored(100).box == (60, 20, 30, 30)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--collect", "got"], "saves one emotion per run without a window"),
        (["--collect", "got", "--emotions", "a", "b"], "saves one emotion per run without a window"),
        (["--emotions", "glad"], "--emotions: needs --collect"),
        (["--collect", "got", "--emotions", "a", "a"], "--emotions: a name is repeated; give each once"),
        (["--collect", "got", "--emotions", *"abcdefghij"], "--emotions: 10 names for 9 keys; leave some out"),
        (["--collect", "got", "--emotions", "../a"], "../a: not a valid folder name"),
        (["--collect", "got", "--emotions", "a "], "a : not a valid folder name"),
        (["--collect", "got", "--emotions", ".a"], ".a: not a valid folder name"),
        (["--collect", "got", "--emotions", "a\nb"], "a\\nb: not a valid folder name"),
        (["--collect", "file/got", "--emotions", "a"], "file/got: faces can't be saved there"),
        (["--collect", "file", "--emotions", "a"], "file: faces can't be saved there; choose another --collect"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, arguments, says):
    (tmp_path / "file").write_text("a file")
    fails("realtime.py", "--source", PICTURE, "--headless", *arguments, cwd=tmp_path, says=says)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_demo_is_collected_in_the_place_of_a_camera(tmp_path):
    arguments = ["--headless", "--collect", "got", "--emotions", "glad"]
    fails("realtime.py", *arguments, cwd=tmp_path, says="0: no such camera")
    assert not (tmp_path / "got").exists()
