"""The network as TFLite, compared with Keras by what cv2.dnn makes of it."""

import math
import tempfile
from pathlib import Path

import cv2
import keras
import numpy as np

from common.console import quiet
from common.errors import fail, first_line

PARITY_TOLERANCE = 1e-3  # most by which Keras and cv2.dnn may differ in a probability


def export_network(network, path: Path, faces: np.ndarray) -> None:
    """Write the network as TFLite, and check it by some of `faces`, uint8 (n, side, side, 1).

    Under another backend than TensorFlow it says how to make the file later. Raises UserError, and
    leaves no file, when cv2.dnn's probabilities are not Keras's.
    """
    if keras.backend.backend() != "tensorflow":
        how = "`python train.py --export`, and this --out, where TensorFlow is installed"
        print(f"emotion.tflite is still to be made: {how}")
        return
    convert(network, path)
    check_parity(network, path, faces[:: len(faces) // 256 + 1])


def convert(network, path: Path) -> None:
    """Write the network as TFLite.

    TensorFlow is imported here alone: under other backends a training does without it.
    """
    import tensorflow as tf

    try:
        with quiet(), tempfile.TemporaryDirectory() as folder:
            network.export(folder, format="tf_saved_model", verbose=False)
            path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
    except tf.errors.OpError as error:  # a full disk is no OSError to TensorFlow
        fail(f"emotion.tflite: can't be written ({first_line(error)}); mend that and run it again")


def check_parity(network, path: Path, faces: np.ndarray) -> None:
    """Print how far cv2.dnn's probabilities for some faces are from Keras's.

    Removes the file and raises UserError where they are not the same.
    """
    try:
        with quiet():
            # Not by its name, as webcam/analysis/classifier.py
            reader = cv2.dnn.readNetFromTFLite(np.frombuffer(path.read_bytes(), np.uint8))
            reader.setInput(faces.transpose(0, 3, 1, 2).astype(np.float32))
            by_opencv = reader.forward()
    except cv2.error as error:  # a layer that it does not know
        path.unlink()
        mend = "build the network of layers as in network/model/architecture.py"
        fail(f"emotion.tflite: cv2.dnn can't run it ({error.err}); {mend}")
    by_keras = network.predict(faces, verbose=0)
    same_shape = by_opencv.shape == by_keras.shape
    apart = float(np.abs(by_opencv - by_keras).max()) if same_shape else math.inf
    of = f"the probabilities of {len(faces)} faces"
    print(f"emotion.tflite: at most {apart:.1e} from Keras in {of}")
    if not apart <= PARITY_TOLERANCE:  # NaN too
        path.unlink()
        lower = "the training diverged: lower --learning-rate"
        wrong = "it reads a layer wrongly: build it of layers as in network/model/architecture.py"
        why = wrong if np.isfinite(by_keras).all() else lower
        fail(f"emotion.tflite: cv2.dnn differs from Keras by {apart:.2g} in a probability; {why}")
