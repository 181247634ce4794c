"""What is read from a TFLite file."""

from conftest import ROOT

from webcam.tflite import input_shape


def test_input_shape_is_read_from_the_file():
    assert input_shape((ROOT / "pretrained/emotion.tflite").read_bytes())[1:] == [48, 48, 1]
