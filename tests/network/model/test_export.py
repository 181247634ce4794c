"""The network as ONNX."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from common.errors import UserError
from common.labels import write_labels
from network.recipe import Recipe
from webcam.analysis.classifier import Classifier

keras = pytest.importorskip("keras")

SMALL = Recipe(filters=((4,), (4, 6)))


@pytest.fixture(scope="module", params=["vgg", "small"])
def network(request):
    """Return a network with its own batch normalisation, some of whose scales are negative."""
    from network.model.architecture import average_mirrored, build_network

    recipe = replace(SMALL, network=request.param)
    network, rng = build_network(3, recipe), np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            gamma, beta, mean = (rng.normal(0, 1, part.shape) for part in (gamma, beta, mean))
            layer.set_weights([gamma, beta, mean, rng.uniform(0.5, 2, variance.shape)])
    return average_mirrored(network)


@pytest.fixture
def faces():
    """Return random faces, dim, black and bright."""
    noise = np.random.default_rng(1).integers(0, 256, (8, 48, 48, 1))
    return (noise * np.linspace(0, 1, 8)[:, None, None, None]).astype(np.uint8)


def test_the_webcam_finds_what_keras_finds(network, faces, tmp_path, capsys):
    from network.model.export import export_network

    path = tmp_path / "emotion.onnx"
    export_network(network, path, faces)
    said = capsys.readouterr().out
    assert float(said.split("at most ")[1].split()[0]) < 1e-5
    assert "emotion.onnx: probabilities differ from Keras by at most " in said
    assert said.endswith(" on 8 faces\n")
    onnx.checker.check_model(onnx.load(path), full_check=True)
    write_labels(tmp_path / "labels.txt", ["anger", "fear", "joy"])
    by_webcam = Classifier.load(tmp_path).predict(faces[..., 0])
    assert np.abs(by_webcam - network.predict(faces, verbose=0)).max() < 1e-5


def test_the_same_network_gives_the_same_bytes(network, tmp_path):
    from network.model.export import to_onnx

    network.save(tmp_path / "emotion.keras")
    again = keras.saving.load_model(tmp_path / "emotion.keras")
    first, second = (to_onnx(one.get_layer("logits")) for one in (network, again))
    assert first == second


def test_a_layer_that_it_does_not_know_is_named(faces, tmp_path):
    from network.model.architecture import average_mirrored, build_network
    from network.model.export import export_network

    def gelu(faces, recipe):
        return keras.layers.Activation("gelu")(faces)

    strange = average_mirrored(build_network(3, SMALL, gelu))
    for network in (strange, build_network(3, SMALL)):
        with pytest.raises(UserError, match=r"emotion\.onnx: can't be made from this network"):
            export_network(network, tmp_path / "emotion.onnx", faces)
    assert not list(tmp_path.iterdir())


def test_a_network_that_diverged_leaves_no_file(faces, tmp_path):
    from network.model.architecture import adjust_logits, average_mirrored, build_network
    from network.model.export import export_network

    diverged = average_mirrored(build_network(3, SMALL))
    adjust_logits(diverged, np.full(3, np.nan), 1.0)
    with pytest.raises(UserError, match=r"differs from Keras by nan.*; the training diverged"):
        export_network(diverged, tmp_path / "emotion.onnx", faces)
    assert not list(tmp_path.iterdir())
