"""The first and the last layers of the network."""

import numpy as np
import pytest

from network.recipe import FILTERS, Recipe


def test_the_answer_is_the_mean_over_a_face_and_its_mirror_image():
    import keras

    from network.model import architecture

    keras.utils.set_random_seed(0)
    network = architecture.build_network(3, Recipe())
    # Untrained scores of the two sides hardly differ. A hundred times as large, they do
    head = network.get_layer("head")
    head.set_weights([100 * weights for weights in head.get_weights()])
    faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1)).astype(np.float32)
    faces[:, :, :24] /= 4  # makes the two sides different
    scores = keras.Model(network.input, network.layers[-2].output)
    mean = (scores(faces) + scores(faces[:, :, ::-1])) / 2
    assert (
        np.abs(architecture.average_mirrored(network)(faces) - keras.ops.softmax(mean)).max() < 1e-6
    )
    assert np.abs(scores(faces) - scores(faces[:, :, ::-1])).max() > 1e-3


def test_only_dim_faces_are_made_brighter():
    """They reach nearly the same mean. Other faces stay as they are, even a black one."""
    import keras

    from network.model import architecture

    faces = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 1)).astype(np.float32)
    faces = np.concatenate([faces, 0.71 * faces, 0.3 * faces, 0.1 * faces, 0 * faces])
    lifted = keras.ops.convert_to_numpy(architecture.brighten_dim_faces(faces, Recipe()))
    assert (lifted[[0, 1, 4]] == faces[[0, 1, 4]]).all()
    assert lifted[2].mean() == pytest.approx(Recipe().min_mean_gray, rel=0.1) == lifted[3].mean()
    assert lifted[3] / lifted[3].mean() == pytest.approx(faces[0] / faces[0].mean(), rel=1e-4)


def test_a_wider_network_has_so_many_times_the_filters():
    from network.model import architecture

    network = architecture.build_network(3, Recipe(width=1.5))
    filters = [layer.filters for layer in network.layers if hasattr(layer, "filters")]
    assert filters == [36, 72, 72, 144, 144, 144, 312, 312, 312, 3]


def test_the_small_network_has_a_fifth_of_the_parameters():
    """Its features are as many pixels as those of the default, so a face has the same 6x6 cells."""
    from network.model import architecture

    networks = [
        architecture.build_network(8, Recipe(network=name, filters=filters))
        for name, filters in FILTERS.items()
    ]
    assert [network.count_params() for network in networks] == [1_202_944, 227_352]
    shapes = [network.get_layer("head").output.shape for network in networks]
    assert shapes == [(None, 6, 6, 8)] * 2


def test_adjusted_logits_are_lower_by_the_offsets_and_divided():
    import keras

    from network.model import architecture

    keras.utils.set_random_seed(0)
    network = architecture.average_mirrored(architecture.build_network(3, Recipe()))
    faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1)).astype(np.float32)
    before = np.log(network.predict(faces, verbose=0))
    architecture.adjust_logits(network, np.array([1.0, 0.0, -2.0]), 0.5)
    moved = np.log(network.predict(faces, verbose=0)) - 2 * (before - (1.0, 0.0, -2.0))
    assert np.ptp(moved, axis=1) == pytest.approx(0, abs=1e-4)
