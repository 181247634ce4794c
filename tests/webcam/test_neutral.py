"""realtime.py --neutral."""

import shutil

import cv2
import numpy as np
import pytest
from support.files import frames_of, make_video, rows_of
from support.networks import write_network
from support.scripts import PICTURE, ROOT, fails, run

from webcam import FaceAnalyzer
from webcam.analysis.baseline import relative_to

NEUTRAL = ["anger", "neutral", "sadness"]


@pytest.fixture
def model(tmp_path):
    """Return a network of three emotions that sees neutral in every face, next to others."""
    folder = write_network(tmp_path / "model", (1, 48, 48))
    (folder / "labels.txt").write_text("".join(f"{emotion}\n" for emotion in NEUTRAL))
    return folder


@pytest.fixture
def clip(tmp_path, model):
    """Make a video of six seconds of one face."""
    make_video(tmp_path / "in.avi", frames=150)
    return ["--source", "in.avi", "--headless", "--csv", "out.csv", "--model", "model"]


def test_a_face_learns_its_own_baseline_where_that_is_asked_for(clip, tmp_path):
    run("realtime.py", *clip, cwd=tmp_path)
    plain = rows_of(tmp_path / "out.csv")
    assert "baseline" not in plain[0]
    run("realtime.py", *clip, "--neutral", "auto", cwd=tmp_path)
    rows = rows_of(tmp_path / "out.csv")
    shares = [float(row["baseline"]) for row in rows]
    assert shares[0] == 0 and shares == sorted(shares) and shares[-1] == 1
    first = [float(rows[0][name]) for name in NEUTRAL]
    assert first == pytest.approx([float(plain[0][name]) for name in NEUTRAL], abs=1e-3)
    last = []
    for neutral in ("off", "auto"):
        analyzer = FaceAnalyzer.load(tmp_path / "model", neutral=neutral)
        for number, frame in enumerate(frames_of(tmp_path / "in.avi")):
            (face,) = analyzer.analyze(frame, number / 25)
        last.append(face.probabilities)
    assert last[1] == pytest.approx(relative_to(last[0], np.log(last[0]), 1), abs=0.01)
    assert [float(rows[-1][name]) for name in NEUTRAL] == pytest.approx(last[1], abs=0.01)


def test_two_people_have_their_own_baseline_until_they_are_gone(model, photo):
    analyzer = FaceAnalyzer.load(model, neutral="auto")
    head = cv2.resize(photo[18:218, 124:324], (200, 200))
    empty = np.full((360, 640, 3), 90, np.uint8)
    left, both = empty.copy(), empty.copy()
    left[60:260, 60:260] = both[60:260, 60:260] = head
    both[60:260, 380:580] = head[:, ::-1] // 2
    seconds = 0.0

    def watch(frame, lasts):
        """Return {number: its baseline} after some seconds of five frames each."""
        nonlocal seconds
        for _ in range(round(lasts * 5)):
            faces = analyzer.analyze(frame, seconds)
            seconds += 0.2
        return {face.track_id: face.baseline for face in faces}

    assert watch(both, 3)[1] == pytest.approx(0.56, abs=0.05)
    assert watch(both, 3) == {1: 1, 2: 1}
    one, two = (analyzer.baselines.faces[number].mean for number in (1, 2))
    assert abs(one - two).max() > 0.01, "each has its own"
    watch(left, 0.2)
    assert watch(both, 0.4) == {1: 1, 2: 1}, "lost for a moment"
    watch(left, 3)
    back = watch(both, 1)
    assert back.pop(1) == 1 and 0 < max(back.values()) < 0.3 and 2 not in back
    assert watch(empty, 2) == {} and analyzer.baselines.faces == {}


def test_pictures_of_a_person_at_rest(clip, tmp_path):
    (tmp_path / "rest").mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(PICTURE, tmp_path / "rest" / name)
    asked = ["--neutral", "rest", "--source", PICTURE]
    said = run("realtime.py", *clip, *asked, cwd=tmp_path).stdout
    assert "not a face at rest" not in said
    (row,) = rows_of(tmp_path / "out.csv")
    assert row["baseline"] == "1.00"
    analyzer = FaceAnalyzer.load(tmp_path / "model")
    picture = cv2.imread(str(PICTURE))
    (face,) = analyzer.analyze_image(picture)
    wanted = relative_to(face.probabilities, np.log(face.probabilities), 1)
    assert [float(row[name]) for name in NEUTRAL] == pytest.approx(wanted, abs=1e-4)
    assert (analyzer.learn_neutral([picture, picture]) == face.probabilities).all()
    (seen,) = analyzer.analyze_image(picture)
    assert seen.probabilities == pytest.approx(wanted, abs=1e-6) and seen.baseline == 1


def test_a_picture_that_plainly_shows_something_else_is_told_and_used(tmp_path):
    arguments = ["--source", PICTURE, "--headless", "--neutral", PICTURE]
    said = run("realtime.py", *arguments, cwd=tmp_path).stdout
    assert f"{PICTURE}: happiness 100%, not a face at rest; using it anyway\n" in said


@pytest.mark.parametrize(
    "made, says",
    [
        (lambda photo: np.full((300, 300, 3), 90, np.uint8), "no face found"),
        (lambda photo: np.hstack([photo, photo]), "shows 2 faces"),
    ],
)
def test_pictures_that_can_not_be_used(tmp_path, photo, made, says):
    cv2.imwrite(str(tmp_path / "rest.png"), made(photo))
    arguments = ["--source", PICTURE, "--headless", "--csv", "out.csv", "--neutral", "rest.png"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=["rest.png", says, "one person at rest"])
    (tmp_path / "rest.png").write_text("no picture")
    fails("realtime.py", *arguments, cwd=tmp_path, says=["rest.png", "not a picture"])
    (tmp_path / "rest.png").unlink()
    fails(
        "realtime.py",
        *arguments,
        cwd=tmp_path,
        says="rest.png: no such file; set --neutral to pictures",
    )
    assert not list(tmp_path.iterdir())


def test_a_network_without_neutral_goes_on_and_says_so(tmp_path):
    write_network(tmp_path / "model", (1, 48, 48))
    (tmp_path / "model/labels.txt").write_text("anger\nhappiness\nsadness\n")
    arguments = ["--source", PICTURE, "--headless", "--model", "model"]
    line = "--neutral: ignored, because the network has no emotion 'neutral'\n"
    for asked in ("auto", PICTURE):
        assert line in run("realtime.py", *arguments, "--neutral", asked, cwd=tmp_path).stdout
    assert line not in run("realtime.py", *arguments, cwd=tmp_path).stdout


def test_other_words_for_a_program_of_ones_own():
    with pytest.raises(ValueError, match="must be 'auto' or 'off'"):
        FaceAnalyzer.load(ROOT / "pretrained", neutral="on")
