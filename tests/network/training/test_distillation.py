"""What teachers say of a face, and what becomes of the targets."""

import numpy as np
import pytest

from network.recipe import Recipe
from network.training.teachers import Teacher

OFFSETS, TEMPERATURE = np.array([0.5, -1.0, 0.2]), 0.6


def small_network(seed):
    import keras

    from network.model.architecture import build_network

    keras.utils.set_random_seed(seed)
    return build_network(3, Recipe(filters=((4,), (8,))))


def save_calibrated(network, folder):
    """Save a network as train.py does: averaged over mirror images, its logits adjusted."""
    from network.model.architecture import adjust_logits, average_mirrored

    averaged = average_mirrored(network)
    adjust_logits(averaged, OFFSETS, TEMPERATURE)
    folder.mkdir()
    averaged.save(folder / "emotion.keras")
    (folder / "labels.txt").write_text("anger\nfear\nneutral\n")
    return Teacher(folder, TEMPERATURE, OFFSETS, "")


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-5), ("mixed_bfloat16", 0.003)])
def test_the_opinion_is_what_the_teachers_said_on_average_before_they_were_calibrated(
    tmp_path, policy, tolerance
):
    from keras import ops

    from network.training.distillation import opinions_of

    networks = [small_network(seed) for seed in (1, 2)]
    waves = [np.sin(np.arange(48) * n / 8) for n in range(1, 6)]
    faces = np.stack([127 + 127 * np.outer(wave, wave)[..., None] for wave in waves])
    said = np.mean([ops.convert_to_numpy(network(faces)) for network in networks], axis=0)
    teachers = [
        save_calibrated(network, tmp_path / str(number)) for number, network in enumerate(networks)
    ]
    opinion = ops.convert_to_numpy(opinions_of(teachers, policy)(faces))
    assert opinion == pytest.approx(said, abs=tolerance)
    assert np.ptp(said, axis=0).max() > 0.015, "faces differ"


def test_a_target_is_half_the_votes_and_half_an_opinion_of_the_face_that_is_trained_on():
    from network.training.trainer import build_training

    student = build_training(small_network(1), 10, Recipe(learning_rate=0.0))
    faces = np.random.default_rng(1).integers(0, 256, (4, 48, 48, 1)).astype(np.float32)
    votes = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    seen = []

    def ask(asked):
        seen.append(asked)
        return np.array([[0.2, 0.8, 0]] * 4, np.float32)

    probabilities = np.array([[0.7, 0.2, 0.1]] * 4, np.float32)
    student.ask = ask
    loss = float(student.compute_loss(faces, votes, probabilities))
    targets = (votes + ask(faces)) / 2
    assert loss == pytest.approx(-(targets * np.log(probabilities)).sum(axis=1).mean(), abs=1e-6)
    assert seen[0] is faces
    judged = float(student.compute_loss(faces, votes, probabilities, training=False))
    assert judged == pytest.approx(-(votes * np.log(probabilities)).sum(axis=1).mean(), abs=1e-6)


def test_teachers_change_neither_themselves_nor_what_is_saved(tmp_path):
    import keras

    from network.training.distillation import opinions_of
    from network.training.trainer import build_training

    teacher = save_calibrated(small_network(1), tmp_path / "teacher")
    student = build_training(small_network(2), 10, Recipe())
    student.ask = opinions_of([teacher], "float32")
    faces = np.random.default_rng(1).integers(0, 256, (4, 48, 48, 1)).astype(np.float32)
    said = keras.ops.convert_to_numpy(student.ask(faces))
    before = student.get_layer("network").get_weights()
    student.fit(faces, np.eye(3, dtype=np.float32)[[0, 1, 2, 0]], epochs=2, verbose=0)
    assert (student.get_layer("network").get_weights()[0] != before[0]).any()
    assert (keras.ops.convert_to_numpy(student.ask(faces)) == said).all()
    assert '"logits"' not in student.to_json(), "a checkpoint holds the student alone"
