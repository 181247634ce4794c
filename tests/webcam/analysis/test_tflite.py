"""What is read from a TFLite file."""

from support.scripts import ROOT

from webcam.analysis.tflite import has_dense_bias, input_shape


def test_input_shape_is_read_from_the_file():
    assert input_shape((ROOT / "pretrained/emotion.tflite").read_bytes())[1:] == [48, 48, 1]


def test_the_projects_own_network_has_no_dense_layer():
    assert not has_dense_bias((ROOT / "pretrained/emotion.tflite").read_bytes())
