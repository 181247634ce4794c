"""The network: VGG-style convolutions, with logits averaged over a face and its mirror image."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

from common.errors import fail, first_line
from common.files import LARGEST_NETWORK
from common.labels import read_labels
from network.recipe import Recipe


def brighten_dim_faces(faces: keras.KerasTensor, recipe: Recipe) -> keras.KerasTensor:
    """Return faces, (n, side, side, 1), with dim ones brightened.

    Their mean becomes `recipe.min_mean_gray`. Darkening bright faces to it costs about a point of
    accuracy (benchmarks/ablation.md).
    """
    # In 16 bits, JAX's sum of the 2,304 gray values stops growing at a mean of 28.5
    mean = layers.AveragePooling2D(recipe.face_size, dtype="float32")(faces)
    missing = layers.ReLU()(layers.Rescaling(-1, offset=recipe.min_mean_gray)(mean))
    # The divisor is about mean / min_mean_gray, but never 0, even for a black face
    return faces / layers.Rescaling(-1 / (recipe.min_mean_gray + 1), offset=1)(missing)


def build_network(
    emotions: int, recipe: Recipe, normalize: Callable = brighten_dim_faces
) -> keras.Model:
    """Return the network: gray values, (n, side, side, 1) -> probabilities, (n, emotions).

    This is Simonyan and Zisserman's VGG (arXiv:1409.1556) with batch normalisation, and with global
    pooling instead of dense layers. The small network has MobileNet's depthwise separable
    convolutions and strides (arXiv:1704.04861). `normalize` takes and returns faces of gray values.
    """
    faces = keras.Input((recipe.face_size, recipe.face_size, 1))
    x = layers.Rescaling(1 / 127.5, offset=-1)(normalize(faces, recipe))
    small = recipe.network == "small"
    for block, filters in enumerate(recipe.filters):
        convolution = layers.SeparableConv2D if small and block > 0 else layers.Conv2D
        for number, n in enumerate(filters, start=1):
            halves = number == len(filters) and block < len(recipe.filters) - 1
            n, strides = max(1, round(recipe.width * n)), 2 if small and halves else 1
            x = convolution(n, 3, strides, padding="same", use_bias=False)(x)
            if halves and not small:
                # Pooling first leaves the next two layers a quarter of the work
                x = layers.MaxPooling2D()(x)
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
    x = layers.SpatialDropout2D(recipe.dropout)(x)
    # A 1x1 convolution before pooling gives the same result as a dense layer after it
    x = layers.Conv2D(emotions, 1, name="head")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(faces, layers.Softmax(dtype="float32")(x), name="network")


def average_mirrored(network: keras.Model) -> keras.Model:
    """Return a network whose logits are the mean of `network`'s for a face and its mirror image."""
    faces = keras.Input(network.input_shape[1:])
    mirrored = keras.ops.flip(faces, axis=2)
    logits = keras.Model(network.input, network.get_layer("head").output, name="logits")
    mean = layers.GlobalAveragePooling2D()(layers.Average()([logits(faces), logits(mirrored)]))
    return keras.Model(faces, layers.Softmax()(mean), name="network")


def build_inference_network(checkpoint: Path, emotions: int, recipe: Recipe) -> keras.Model:
    """Return the best epoch's network in float32, averaged over mirrored faces."""
    keras.config.set_dtype_policy("float32")
    network = build_network(emotions, recipe)
    network.set_weights(keras.saving.load_model(checkpoint / "best.keras").get_weights())
    return average_mirrored(network)


def adjust_logits(network: keras.Model, offsets: np.ndarray, temperature: float) -> None:
    """Fold `offsets`, (emotions,), and `temperature` into a network of `average_mirrored`."""
    head = network.get_layer("logits").get_layer("head")
    kernel, bias = head.get_weights()
    head.set_weights([kernel / temperature, (bias - offsets) / temperature])


def load_network(folder: Path) -> tuple[keras.Model, list[str]]:
    """Return a model folder's network and its emotions. Raises UserError if a file is broken."""
    path = folder / "emotion.keras"
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(file.file_size for file in archive.infolist()) > LARGEST_NETWORK:
                raise ValueError(f"more than {LARGEST_NETWORK:,} bytes when unpacked")
        network = keras.saving.load_model(path)
        _, outputs = network.output_shape
    except Exception as error:  # a broken file raises whatever its zip, HDF5 or JSON reader raises
        fail(path, f"not a Keras network ({first_line(error)})", "train again")
    return network, read_labels(folder / "labels.txt", outputs)


def take_features(
    network: keras.Model, emotions: list[str], folder: Path
) -> tuple[tuple[np.ndarray, np.ndarray], list[str]]:
    """Copy a trained network's weights into a network of `build_network`, and freeze the features.

    The new head keeps its own weights, unless the trained network has the same `emotions` in the
    same order. With a few hundred faces, frozen features work better than trained features
    (benchmarks/ablation.md). Returns the trained head as kernel, (features, emotions), and bias,
    and its emotions. Raises UserError if the network in `folder` has other layers.
    """
    trained, known = load_network(folder)
    # A network of `average_mirrored` contains the trained one
    inner = next((layer for layer in trained.layers if isinstance(layer, keras.Model)), trained)
    source, target = ([layer for layer in one.layers if layer.weights] for one in (inner, network))
    if not source or feature_shapes(source) != feature_shapes(target):
        wrong = "its layers differ from those of the network to train"
        mend = "give the --network and --width it was trained with, or another --start-from"
        fail(folder, wrong, mend)
    *features, head = zip(source, target)
    for trained_layer, layer in features:
        layer.set_weights(trained_layer.get_weights())
        layer.trainable = False
    kernel, bias = head[0].get_weights()
    if known == emotions:
        head[1].set_weights([kernel, bias])
    return (kernel[0, 0], bias), known


def feature_shapes(weighted: list[keras.Layer]) -> list[tuple[int, ...]]:
    """Return the shapes of the layers' weights, without the number of the last layer's outputs."""
    *features, head = weighted
    shapes = [tuple(weights.shape) for layer in features for weights in layer.weights]
    return [*shapes, tuple(head.weights[0].shape[:-1])]
