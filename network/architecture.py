"""The network: VGG-style convolutions on gray values, and the mean over a face and its mirror
image.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from common.errors import fail, first_line
from network.recipe import Recipe


def brighten_dim_faces(faces, recipe: Recipe):
    """Return faces of gray values (n, size, size, 1) with dim ones made brighter, up to
    `recipe.min_mean_gray`.

    Only dim ones: to bring every face to one mean costs about a point (benchmarks/ablation.md).
    """
    mean = layers.AveragePooling2D(recipe.face_size)(faces)
    missing = layers.ReLU()(layers.Rescaling(-1, offset=recipe.min_mean_gray)(mean))
    # The divisor is never 0, not for a black face either
    return faces / layers.Rescaling(-1 / (recipe.min_mean_gray + 1), offset=1)(missing)


def build_network(emotions: int, recipe: Recipe, lift=brighten_dim_faces):
    """Return the network: gray values (n, size, size, 1) -> probabilities (n, emotions).

    Simonyan and Zisserman's VGG (arXiv:1409.1556) with batch normalisation, and global pooling for
    its dense layers.
    """
    faces = keras.Input((recipe.face_size, recipe.face_size, 1))
    x = layers.Rescaling(1 / 127.5, offset=-1)(lift(faces, recipe))
    for block, filters in enumerate(recipe.filters):
        for number, n in enumerate(filters, start=1):
            x = layers.Conv2D(n, 3, padding="same", use_bias=False)(x)
            if number == len(filters) and block < len(recipe.filters) - 1:
                # Before the two below, a quarter of whose work is then enough
                x = layers.MaxPooling2D()(x)
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
    # A dense layer on pooled features, written as a 1x1 convolution before the pooling: the same
    # sum, but cv2.dnn (OpenCV 4.14) leaves out the bias of a dense layer that it reads from TFLite.
    x = layers.SpatialDropout2D(recipe.dropout)(x)
    x = layers.Conv2D(emotions, 1)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(faces, layers.Softmax(dtype="float32")(x), name="network")


def average_mirrored(network):
    """Return a network that gives the mean of what `network` makes of a face and of its mirror
    image.

    The mean of the scores before the softmax, taken before the pooling, since cv2.dnn adds axes to
    that of vectors. Nor can it reverse an axis: with the columns in the place of channels, a 1x1
    convolution swaps each for its opposite.
    """
    faces, size = keras.Input(network.input_shape[1:]), network.input_shape[1]
    columns = layers.Permute((1, 3, 2))(faces)
    reverse = layers.Conv2D(size, 1, use_bias=False, trainable=False)
    mirrored = layers.Permute((1, 3, 2))(reverse(columns))
    reverse.set_weights([np.eye(size)[None, None, ::-1]])
    logits = keras.Model(network.input, network.layers[-3].output, name="logits")
    mean = layers.GlobalAveragePooling2D()(layers.Average()([logits(faces), logits(mirrored)]))
    return keras.Model(faces, layers.Softmax()(mean), name="network")


def divide_logits(network, temperature: float) -> None:
    """Fold a temperature into the last convolution of a network of `average_mirrored`."""
    head = network.get_layer("logits").layers[-1]
    head.set_weights([weights / temperature for weights in head.get_weights()])


def load_network(folder: Path):
    """Return the Keras network in `folder` and its emotions."""
    path, labels = folder / "emotion.keras", folder / "labels.txt"
    try:
        network = keras.saving.load_model(path)
        _, outputs = network.output_shape
    except Exception as error:  # a broken file raises whatever its zip, HDF5 or JSON reader raises
        fail(f"{path}: not a Keras network ({first_line(error)}); train again")
    emotions = labels.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if outputs != len(set(emotions)):
        fail(
            f"{labels}: {len(set(emotions))} labels for a network of {outputs} outputs; copy both again"
        )
    return network, emotions


def build_inference_network(checkpoint: Path, emotions: int, recipe: Recipe):
    """Return the best epoch's network, averaged over mirrored faces, in float32 whatever it was
    trained in.
    """
    keras.config.set_dtype_policy("float32")
    network = build_network(emotions, recipe)
    network.set_weights(keras.saving.load_model(checkpoint / "best.keras").get_weights())
    return average_mirrored(network)
