"""Continue from a trained network: train.py --start-from."""

from dataclasses import replace

import numpy as np
import pytest

from common.errors import UserError
from common.labels import write_labels
from network.data.input import note_few_faces
from network.digests import check_network
from network.recipe import FINE_TUNING

keras = pytest.importorskip("keras")

KNOWN = ["anger", "joy", "sadness", "surprise"]


@pytest.fixture
def start(small, tmp_path):
    """Make a model folder with a small network of other emotions, whose features are random."""
    from network.model.architecture import average_mirrored, build_network

    network, rng = build_network(len(KNOWN), small), np.random.default_rng(0)
    network.set_weights([rng.uniform(0.5, 1, part.shape) for part in network.get_weights()])
    folder = tmp_path / "start"
    folder.mkdir()
    average_mirrored(network).save(folder / "emotion.keras")
    write_labels(folder / "labels.txt", KNOWN)
    return folder


def weights_of(network):
    """Return the weights of a network's features, and those of its last layer."""
    inner = next((layer for layer in network.layers if isinstance(layer, keras.Model)), network)
    *features, kernel, bias = inner.get_weights()
    return features, [kernel, bias]


class Stop(keras.callbacks.Callback):
    """Stops a training after its first epoch is saved, as Ctrl-C does."""

    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt


def test_the_features_are_kept_when_stopped_and_resumed_too(small, given, start, tmp_path):
    from network.training.trainer import train

    recipe, checkpoint = replace(small, start_from=start), tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        train(given, checkpoint, recipe, False, {}, [Stop()])
    log = train(given, checkpoint, recipe, True, {})
    assert [epoch["epoch"] for epoch in log] == [1, 2, 3]
    before, head = weights_of(keras.saving.load_model(start / "emotion.keras"))
    after, new = weights_of(keras.saving.load_model(checkpoint / "best.keras"))
    assert len(before) == len(after) == 15
    assert all(np.array_equal(old, now) for old, now in zip(before, after))
    assert head[0].shape[-1] == 4 and new[0].shape[-1] == 3


def test_with_the_same_emotions_the_last_layer_is_gone_on_with(small, start):
    from network.model.architecture import build_network, take_features

    _, wanted = weights_of(keras.saving.load_model(start / "emotion.keras"))
    for emotions in (KNOWN, KNOWN[::-1]):
        network = build_network(len(KNOWN), small)
        take_features(network, emotions, start)
        _, head = weights_of(network)
        assert np.array_equal(head[0], wanted[0]) == (emotions == KNOWN)
        assert [layer.name for layer in network.layers if layer.trainable_weights] == ["head"]


def test_other_networks_are_refused(small, start, tmp_path):
    from network.model.architecture import build_network, take_features

    says = "its layers differ from those of the network to train; give the --network and --width"
    for other in (replace(small, width=0.5), replace(small, network="small")):
        with pytest.raises(UserError, match=says):
            take_features(build_network(3, other), KNOWN, start)
    (start / "emotion.keras").write_bytes(b"PK half a download")
    with pytest.raises(UserError, match=r"start/emotion\.keras: not a Keras network"):
        take_features(build_network(3, small), KNOWN, start)
    with pytest.raises(UserError, match=r"nowhere/emotion\.keras: no such file; correct --start"):
        check_network(tmp_path / "nowhere", "correct --start-from")


def test_few_faces_are_told(given, capsys):
    given.train.counts["anger"] = 8
    note_few_faces(given.train, replace(FINE_TUNING, start_from="pretrained"))
    said = capsys.readouterr().out
    assert said == "8 faces of anger are too few to learn it well; give 10 or more\n"
