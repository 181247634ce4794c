"""The shape of an ONNX network's input, and networks from other libraries."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.networks import EMOTIONS, write_network
from support.scripts import ROOT

from common.errors import UserError
from webcam.analysis.classifier import Classifier
from webcam.analysis.onnx import input_shape

SHIPPED = (ROOT / "pretrained/emotion.onnx").read_bytes()


def test_the_shape_of_the_shipped_network():
    assert input_shape(SHIPPED) == [None, 1, 48, 48]


@given(data=st.data())
def test_the_shape_in_a_spoiled_network_is_read_or_refused(data):
    """Lengths that lead out of the file are refused."""
    spoiled = bytearray(SHIPPED[:2000] + SHIPPED[-2000:])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, 200) | st.integers(0, len(spoiled) - 4))
        spoiled[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
    try:
        input_shape(bytes(spoiled[: data.draw(st.integers(0, len(spoiled)))]))
    except (ValueError, TypeError):
        return


@pytest.mark.parametrize("batch", ["n", 1])
@pytest.mark.parametrize("channels, side", [(1, 48), (3, 64)])
def test_gray_and_color_of_any_size(tmp_path, channels, side, batch):
    """Each face is averaged with its mirror image, whatever the batch size of the network."""
    folder = write_network(tmp_path / "model", (channels, side, side), batch=batch)
    classifier = Classifier.load(folder)
    assert (classifier.emotions, classifier.side) == (EMOTIONS, side)
    faces = np.random.default_rng(0).integers(0, 256, (5, side, side), np.uint8)
    faces[:, :, : side // 2] //= 4
    net, logits = cv2.dnn.readNetFromONNX(str(folder / "emotion.onnx")), 0
    for both in (faces, faces[:, :, ::-1]):
        rows = []
        for face in both:
            net.setInput(np.repeat(face[None, None], channels, axis=1).astype(np.float32))
            rows.append(np.log(net.forward()[0]))
        logits += np.array(rows) / 2
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(classifier.predict(faces) - wanted).max() < 1e-5


@pytest.mark.parametrize(
    "shape, how, says",
    [
        ((1, 48, 48), {"end": "Identity"}, "not probabilities; end the network with a softmax"),
        ((1, 48, 48), {"end": "LogSoftmax"}, "not probabilities"),
        ((2, 48, 48), {}, "its input is any x 2 x 48 x 48, not"),
        ((1, 48, 64), {}, "its input is any x 1 x 48 x 64, not"),
        ((1, "height", "width"), {}, "its input is any x 1 x any x any, not"),
        ((1, 48, 48), {"batch": 4}, "its input is 4 x 1 x 48 x 48, not"),
        ((1, 2, 2), {}, "can't run it"),
    ],
)
def test_what_gives_no_probabilities_of_a_face_is_refused(tmp_path, shape, how, says):
    folder = write_network(tmp_path / "model", shape, **how)
    with pytest.raises(UserError) as caught:
        Classifier.load(folder)
    assert str(caught.value).startswith(f"{folder / 'emotion.onnx'}: ") and says in str(
        caught.value
    )


def test_a_probability_of_0_is_no_error(tmp_path):
    classifier = Classifier.load(write_network(tmp_path / "model", (1, 48, 48)))
    certain = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    classifier.forward = lambda crops: certain
    (row,) = classifier.predict(np.zeros((1, 48, 48), np.uint8))
    assert row == pytest.approx([0.5, 0, 0.5])


def test_a_tflite_alone_is_told_how_to_convert(tmp_path):
    (tmp_path / "emotion.tflite").write_bytes(b"")
    with pytest.raises(UserError, match=r"emotion\.tflite: .*`python train\.py --export --out "):
        Classifier.load(tmp_path)
