"""webcam's public interface: three lines in a user's own program."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from support.scripts import ROOT

from common.errors import UserError
from webcam import FaceAnalyzer, draw_faces
from webcam.analysis.classifier import Classifier
from webcam.detection.haar import HaarDetector


def test_three_lines_name_a_face(photo):
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    (face,) = analyzer.analyze(photo, 0.0)
    assert (face.track_id, face.emotion) == (1, "happiness")
    x, y, width, height = face.box
    assert x < 224 < x + width and y < 118 < y + height, "the middle of the astronaut's face"
    assert face.confidence == pytest.approx(face.probabilities.max())
    assert face.probabilities.shape == (
        len(analyzer.emotions),
    ) and face.probabilities.sum() == pytest.approx(1)
    (again,) = analyzer.analyze_image(photo)
    assert again.emotion == "happiness"


def test_a_missing_network_is_an_exception_that_names_the_file(tmp_path):
    with pytest.raises(UserError, match=r"emotion\.onnx: no such file"):
        FaceAnalyzer.load(tmp_path)


@pytest.mark.parametrize(
    "shape, dtype", [((48, 48), np.uint8), ((48, 48, 4), np.uint8), ((48, 48, 3), np.float32)]
)
def test_what_is_no_frame_is_refused(shape, dtype):
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    with pytest.raises(ValueError, match="expected BGR"):
        analyzer.analyze(np.zeros(shape, dtype), 0.0)
    for seconds in (np.inf, np.nan):
        with pytest.raises(ValueError, match="seconds"):
            analyzer.analyze(np.zeros((48, 48, 3), np.uint8), seconds)
    with pytest.raises(ValueError, match=r"expected BGR, .+ got NoneType"):
        analyzer.analyze_image(cv2.imread("missing.jpg"))


def test_analyzers_in_several_threads_do_not_disturb_one_another(photo):
    """Each analyzer sees the face in another place, and gives the same answers as alone."""
    scenes = []
    for start in (0, 60, 120, 180):
        scene = np.full((480, 720, 3), 90, np.uint8)
        scene[40:340, 100 + start : 400 + start] = photo[:300, 60:360]
        scenes.append(np.clip(scene * (1 - start / 300), 0, 255).astype(np.uint8))

    def watch(scene, said):
        analyzer = FaceAnalyzer.load(ROOT / "pretrained")
        for number in range(10):
            said += [
                (face.box, face.emotion, face.confidence)
                for face in analyzer.analyze(scene, number / 30)
            ]

    alone, together = [[] for _ in scenes], [[] for _ in scenes]
    for scene, said in zip(scenes, alone):
        watch(scene, said)
    threads = [threading.Thread(target=watch, args=pair) for pair in zip(scenes, together)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone and all(len(said) == 10 for said in alone)


def test_threads_that_share_an_analyzer_get_the_answers_of_one(photo):
    """A web service uses it so. Only one thread at a time may use the cascades and the network."""
    analyzer = FaceAnalyzer.load()
    photo = cv2.resize(photo[:300, 60:360], (200, 200))
    pictures = [photo, np.roll(photo, 9, axis=1), photo[:, ::-1].copy(), photo[:150] // 2]
    alone = [[face.as_dict() for face in analyzer.analyze_image(picture)] for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(analyzer.analyze_image, pictures * 4))
    assert [[face.as_dict() for face in faces] for faces in together] == alone * 4
    assert [len(faces) for faces in alone] == [1] * 4


class SlowDetector(HaarDetector):
    """A detector that waits in each frame."""

    def __init__(self):
        super().__init__()
        self.reached, self.may_go_on = threading.Event(), threading.Event()

    def view(self, gray, turns):
        self.reached.set()
        assert self.may_go_on.wait(30)
        return super().view(gray, turns)


def test_a_video_in_two_threads_is_refused(photo):
    detector = SlowDetector()
    analyzer = FaceAnalyzer(Classifier.load(ROOT / "pretrained"), detector)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(analyzer.analyze, photo, 0.0)
        assert detector.reached.wait(30)
        with pytest.raises(RuntimeError, match="give each video its own analyzer"):
            analyzer.analyze(photo, 0.0)
        detector.may_go_on.set()
        assert len(first.result()) == 1
    assert len(analyzer.analyze(photo, 0.1)) == 1, "the next one may come from another thread"


def test_a_face_as_plain_values(photo, monkeypatch, tmp_path):
    """The project's own network is found from any folder."""
    monkeypatch.chdir(tmp_path)
    analyzer = FaceAnalyzer.load()
    (face,) = analyzer.analyze_image(photo)
    told = json.loads(json.dumps(face.as_dict()))
    assert told["emotion"] == told["label"] == "happiness"
    assert (told["track_id"], told["box"]) == (1, list(face.box))
    assert list(told["probabilities"]) == analyzer.emotions
    assert told["probabilities"]["happiness"] == told["confidence"] > 0.9
    assert re.fullmatch(r"Face\(1, happiness \d+%, box=\(\d+, \d+, \d+, \d+\)\)", repr(face))
    draw_faces(photo.copy(), [face], analyzer.emotions, bars=True)


def test_a_face_not_found_keeps_its_probabilities(photo):
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    for number in range(4):
        (face,) = analyzer.analyze(photo, number / 30)
    behind_a_hand = photo.copy()
    behind_a_hand[50:180, 150:290] = 128
    (hidden,) = analyzer.analyze(behind_a_hand, 4 / 30)
    assert (hidden.track_id, hidden.box) == (face.track_id, face.box)
    assert (hidden.probabilities == face.probabilities).all()
    assert analyzer.analyze(np.full_like(photo, 128), 1.0) == []


def test_of_many_faces_each_is_named_every_fifth_of_a_second(photo):
    """The network is slow, so it does not see every face in every frame."""
    head = cv2.resize(photo[18:218, 124:324], (150, 150), interpolation=cv2.INTER_AREA)
    analyzer, rows = FaceAnalyzer.load(ROOT / "pretrained"), []
    for number in range(32):
        frame = np.full((720, 1280, 3), 90, np.uint8)
        # The light differs in each frame, so that each pass gives other probabilities
        lit = cv2.convertScaleAbs(head, alpha=1 - 0.01 * number)
        for place in range(21):
            y, x = 20 + 230 * (place // 7), 20 + 180 * (place % 7)
            frame[y : y + 150, x : x + 150] = lit
        faces = analyzer.analyze(frame, number / 30)
        assert len(faces) == 21 or number < 22
        if number >= 22:
            rows.append(np.stack([face.probabilities for face in faces]))
    for start in range(3):
        assert (rows[start] != rows[start + 7]).any(axis=1).all(), start


def count_images(classifier):
    """Return a list that gets the number of images in each pass of the network."""
    asked, forward = [], classifier.forward

    def counting(crops):
        asked.append(len(crops))
        return forward(crops)

    classifier.forward = counting
    return asked


def test_a_face_and_its_mirror_image_are_named_in_turns_and_average_out(photo):
    """The network sees both in the first frame. Without an average it sees both each time."""
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    for smoothing in (0.0, 0.2):
        analyzer = FaceAnalyzer.load(ROOT / "pretrained", smoothing)
        classifier, asked = analyzer.classifier, count_images(analyzer.classifier)
        for number in range(40):
            (face,) = analyzer.analyze(photo, number / 30)
            if number == 0:
                both = classifier.classify(gray, [face.square])[0]
                assert face.probabilities == pytest.approx(both, abs=1e-5)
                asked.clear()
        if smoothing:
            assert set(asked) == {1} and len(asked) <= 20, "not in each frame"
            one, other = (classifier.classify(gray, [face.square], [(side,)])[0] for side in (0, 1))
            assert abs(one - other).max() > 0, "the sides differ"
        else:
            assert asked == [2] * 39
        both = classifier.classify(gray, [face.square])[0]
        assert face.probabilities == pytest.approx(both, abs=0.02 if smoothing else 1e-5)


def test_where_frames_are_rare_each_is_named_with_both_images(photo):
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    for number in range(4):
        (face,) = analyzer.analyze(photo, 2.0 * number)
    both = analyzer.classifier.classify(gray, [face.square])[0]
    assert face.probabilities == pytest.approx(both, abs=1e-3)


def test_average_and_resting_face_go_with_the_person(photo):
    """The tracker takes the mirror image of a face in the same place for another person."""
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    analyzer.analyze(photo, 0.0)
    analyzer.baselines.learn(1)
    for number in range(1, 40):
        (face,) = analyzer.analyze(photo, number / 30)
    assert (face.track_id, face.baseline) == (1, 1.0)
    other = photo.copy()
    other[:250, 104:344] = photo[:250, 104:344][:, ::-1]
    (face,) = analyzer.analyze(other, 40 / 30)
    assert (face.track_id, face.baseline) == (2, 0.0)
    (alone,) = FaceAnalyzer.load(ROOT / "pretrained").analyze(other, 0.0)
    assert np.abs(face.probabilities - alone.probabilities).max() < 0.1
