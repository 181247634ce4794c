"""A person's resting face defines neutral."""

import numpy as np
import pytest

from webcam.analysis.baseline import Baselines, relative_to

EMOTIONS = ["anger", "happiness", "neutral"]
REST = np.float32([0.30, 0.10, 0.60])  # someone who looks a little angry
ANGRY = np.float32([0.45, 0.05, 0.50])
SMILE = np.float32([0.01, 0.95, 0.04])


def watch(baselines, rows, begin=0.0, track_id=1):
    """Update at 30 frames/s. Return the last probabilities and the time after them."""
    for number, row in enumerate(rows):
        seen = baselines.update(track_id, row, begin + number / 30)
    return seen, begin + len(rows) / 30


def test_the_formula():
    rest = np.log(REST)
    seen = relative_to(ANGRY, rest, 2)
    z = np.log(ANGRY) - rest / 2
    z = [z[0] - z[2], z[1] - z[2], 0.5]
    assert seen == pytest.approx(np.exp(z) / np.exp(z).sum(), abs=1e-6)
    assert relative_to(ANGRY, rest, 2, share=0.0) == pytest.approx(ANGRY, abs=1e-6)
    assert np.isfinite(relative_to(np.float32([0, 0, 1]), rest, 2)).all()
    both = relative_to(np.stack([ANGRY, SMILE]), rest, 2)
    assert np.allclose(both[0], seen) and both[1].argmax() == 1


def test_a_face_is_learned_while_it_is_watched():
    """The face is fully known after five seconds. After that its mean covers twenty seconds."""
    baselines = Baselines(EMOTIONS, auto=True)
    seen, now = watch(baselines, [REST] * 76)
    assert baselines.share(1) == pytest.approx(0.5, abs=0.01)
    seen, now = watch(baselines, [REST] * 100, now)
    assert baselines.share(1) == 1
    assert seen == pytest.approx(relative_to(REST, np.log(REST), 2), abs=1e-5)
    before = baselines.faces[1].mean
    seen, _ = watch(baselines, [SMILE] * 300, now)
    assert seen.argmax() == 1 and (baselines.faces[1].mean == before).all(), "a smile is no rest"


def test_a_gap_is_no_evidence():
    baselines = Baselines(EMOTIONS, auto=True)
    for seconds in (0.0, 10.0, 20.0):
        baselines.update(1, REST, seconds)
    assert baselines.share(1) <= 0.1


def test_faces_have_their_own_and_lose_it_with_their_number():
    baselines = Baselines(EMOTIONS, auto=True)
    watch(baselines, [REST] * 200)
    watch(baselines, [ANGRY] * 200, track_id=2)
    one, two = (baselines.update(number, ANGRY, 7.0) for number in (1, 2))
    assert one[0] > two[0] + 0.05, "who always looks like that is not angry"
    baselines.keep({2})
    assert baselines.share(1) == 0 and baselines.share(2) == 1
    baselines.forget()
    assert baselines.share(2) == 0
    assert baselines.update(2, ANGRY, 8.0) == pytest.approx(ANGRY, abs=1e-6)


def test_a_face_that_is_asked_for_is_learned_in_a_second_and_kept():
    for auto in (False, True):
        baselines = Baselines(EMOTIONS, auto)
        _, now = watch(baselines, [SMILE])
        baselines.learn(1)
        _, now = watch(baselines, [REST] * 20, now)
        assert not baselines.knows(1) and baselines.share(1) == 0
        _, now = watch(baselines, [REST] * 20, now)
        assert baselines.knows(1) and baselines.share(1) == 1
        seen, now = watch(baselines, [ANGRY] * 300, now)
        assert seen == pytest.approx(relative_to(ANGRY, np.log(REST), 2), abs=1e-5)
        baselines.learn(1)
        seen, _ = watch(baselines, [ANGRY] * 40, now)
        assert seen == pytest.approx(relative_to(ANGRY, np.log(ANGRY), 2), abs=1e-5), "anew"


def test_pictures_are_the_measure_for_all_faces_until_one_is_learned():
    baselines = Baselines(EMOTIONS)
    assert baselines.for_pictures(ANGRY[None]) is not None and baselines.share(0) == 0
    baselines.learn_pictures(np.stack([REST, REST]))
    wanted = relative_to(ANGRY, np.log(REST), 2)
    assert np.allclose(baselines.for_pictures(ANGRY[None])[0], wanted, atol=1e-6)
    assert np.allclose(baselines.update(5, ANGRY, 0.0), wanted, atol=1e-6)
    assert baselines.share(5) == baselines.share(0) == 1
    baselines.learn(5)
    seen, _ = watch(baselines, [ANGRY] * 40, track_id=5)
    assert seen == pytest.approx(relative_to(ANGRY, np.log(ANGRY), 2), abs=1e-5)


def test_without_an_emotion_named_neutral_nothing_is_changed():
    baselines = Baselines(["anger", "joy", "calm"], auto=True)
    seen, _ = watch(baselines, [ANGRY] * 300)
    assert (seen == ANGRY).all() and baselines.share(1) == 0
    with pytest.raises(ValueError, match="no emotion named neutral"):
        baselines.learn_pictures(ANGRY[None])
