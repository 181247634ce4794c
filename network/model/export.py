"""Export the network to ONNX, and check that cv2.dnn gives the same probabilities as Keras."""

import os
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from common.console import quiet
from common.errors import fail, first_line
from network.model.architecture import load_network

PARITY_TOLERANCE = 1e-3  # largest allowed difference of a probability between Keras and cv2.dnn
# OpenCV 4.12 to 5 and onnxruntime read these versions
OPSET, IR_VERSION = 13, 7
BUILD = "use only the kinds of layers in network/model/architecture.py"


def export_network(network: keras.Model, path: Path, faces: np.ndarray) -> None:
    """Write a network of `average_mirrored` as ONNX, and check it.

    The ONNX graph does not average over mirror images: realtime.py does that. Raises UserError, and
    leaves no file, if the probabilities of cv2.dnn and Keras differ for some of `faces`,
    uint8 (n, side, side, 1).
    """
    try:
        logits = network.get_layer("logits")
        path.write_bytes(to_onnx(logits))
    except ValueError as error:
        fail("emotion.onnx", f"can't be made from this network ({error})", BUILD)
    check_parity(logits, path, faces[:: len(faces) // 256 + 1])


def export_folder(folder: Path, seed: int) -> None:
    """Write emotion.onnx beside a model folder's emotion.keras, as a whole or not at all.

    Random noise from `seed` stands in for faces. Raises UserError as `export_network` does.
    """
    network, _ = load_network(folder)
    new = folder / ".emotion.onnx"
    noise = np.random.default_rng(seed).integers(0, 256, (64, *network.input_shape[1:]))
    try:
        export_network(network, new, noise)
        os.replace(new, folder / "emotion.onnx")
    finally:
        new.unlink(missing_ok=True)


class Graph:
    """An ONNX graph. Names are numbers, so that the same network gives the same bytes."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.constants: list = []

    def constant(self, values: ArrayLike) -> str:
        """Add a constant, and return its name."""
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes) -> str:
        """Add a node, and return the name of its output."""
        name = f"node{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def convolve(self, source: str, kernel: np.ndarray, *bias: np.ndarray, **more) -> str:
        """Add a convolution with a kernel (rows, columns, channels, filters); return its output."""
        constants = [self.constant(kernel.transpose(3, 2, 0, 1)), *map(self.constant, bias)]
        # OpenCV 4.12 requires kernel_shape
        return self.node("Conv", source, *constants, kernel_shape=kernel.shape[:2], **more)

    def scale_and_shift(self, source: str, scale: ArrayLike, shift: ArrayLike) -> str:
        """Add a product and a sum, and return the name of the output."""
        scaled = self.node("Mul", source, self.constant(scale))
        return self.node("Add", scaled, self.constant(shift))


def to_onnx(logits: keras.Model) -> bytes:
    """Return an ONNX file: gray values, (n, 1, side, side) -> probabilities, (n, emotions).

    `logits` outputs a map of logits. Raises ValueError for an unknown layer.
    """
    graph, weights = Graph(), fold_normalizations(logits)
    names: dict[int, str] = {}  # {id of a Keras tensor: its name in the graph}
    for layer in logits.operations:
        inputs = [names[id(tensor)] for tensor in keras.tree.flatten(layer.input)]
        names[id(layer.output)] = add_layer(graph, layer, weights.get(layer.name, []), inputs)
    pooled = graph.node("GlobalAveragePool", names[id(logits.outputs[0])])
    output = graph.node("Softmax", graph.node("Flatten", pooled), axis=1)
    side, emotions = logits.input_shape[1], logits.output_shape[-1]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in (("faces", (1, side, side)), (output, (emotions,)))
    ]
    made = helper.make_graph(graph.nodes, "network", ends[:1], ends[1:], graph.constants)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opset, ir_version=IR_VERSION)
    return model.SerializeToString(deterministic=True)


def fold_normalizations(network: keras.Model) -> dict[str, list[np.ndarray]]:
    """Return the layers' weights by name, with batch normalisation folded into the convolutions.

    A normalisation is a scale and a shift. A max pool may stand between a convolution and its
    normalisation. Max pooling only commutes with positive scales, so other scales stay behind it.
    """
    weights = {layer.name: layer.get_weights() for layer in network.layers}
    convolution, pooled = "", False
    for layer in network.operations:
        match type(layer).__name__:
            case "Conv2D" | "SeparableConv2D":
                convolution, pooled = layer.name, False
            case "MaxPooling2D":
                pooled = True
            case "BatchNormalization":
                gamma, beta, mean, variance = weights[layer.name]
                scale = gamma / np.sqrt(variance + layer.epsilon)
                shift = beta - mean * scale
                weights[layer.name] = [scale, shift]
                if convolution and (not pooled or (scale > 0).all()):
                    *others, kernel = (part for part in weights[convolution] if part.ndim == 4)
                    bias = sum(part for part in weights[convolution] if part.ndim == 1)
                    weights[convolution] = [*others, kernel * scale, bias * scale + shift]
                    weights[layer.name] = []
                convolution = ""
            case _:
                convolution = ""
    return weights


def add_layer(
    graph: Graph, layer: keras.Operation, weights: list[np.ndarray], inputs: list[str]
) -> str:
    """Add a layer with its folded weights to a graph, and return the name of its output."""
    match type(layer).__name__:
        case "InputLayer":
            return "faces"
        case "Conv2D":
            return graph.convolve(inputs[0], *weights, **strides_and_pads(layer))
        case "SeparableConv2D":
            depthwise, *pointwise = weights
            size = {"group": depthwise.shape[2], **strides_and_pads(layer)}
            return graph.convolve(
                graph.convolve(inputs[0], depthwise.swapaxes(2, 3), **size), *pointwise
            )
        case "MaxPooling2D":
            size = {"kernel_shape": layer.pool_size, "strides": layer.strides}
            return graph.node("MaxPool", *inputs, **size)
        case "AveragePooling2D":  # over the whole face
            return graph.node("GlobalAveragePool", *inputs)
        case "Rescaling":
            return graph.scale_and_shift(inputs[0], [layer.scale], [layer.offset])
        case "BatchNormalization" if weights:
            scale, shift = (values[:, None, None] for values in weights)
            return graph.scale_and_shift(inputs[0], scale, shift)
        case "ReLU":
            return graph.node("Relu", *inputs)
        case "Divide" | "TrueDivide":
            return graph.node("Div", *inputs)
        case "BatchNormalization" | "SpatialDropout2D":  # folded already; for training only
            return inputs[0]
        case unknown:
            raise ValueError(f"unknown layer {unknown}")


def strides_and_pads(layer: keras.Layer) -> dict:
    """Return the attributes of a convolution with Keras's padding "same"."""
    pads = []
    for size, side, stride in zip(layer.input.shape[1:3], layer.kernel_size, layer.strides):
        missing = max(0, (-(-size // stride) - 1) * stride + side - size)
        pads.append((missing // 2, missing - missing // 2))
    (top, bottom), (left, right) = pads
    strides = {"strides": layer.strides} if layer.strides != (1, 1) else {}
    return {"pads": [top, left, bottom, right], **strides}


def check_parity(logits: keras.Model, path: Path, faces: np.ndarray) -> None:
    """Compare the probabilities of cv2.dnn and Keras.

    If they differ, remove the file and raise UserError.
    """
    try:
        with quiet():
            # Load it from memory, as webcam/analysis/classifier.py does
            reader = cv2.dnn.readNetFromONNX(np.frombuffer(path.read_bytes(), np.uint8))
            reader.setInput(faces.transpose(0, 3, 1, 2).astype(np.float32))
            by_opencv = reader.forward()
    except cv2.error as error:
        path.unlink()
        fail("emotion.onnx", f"cv2.dnn can't run it ({first_line(error)})", BUILD)
    means = logits.predict(faces, verbose=0).mean(axis=(1, 2))
    by_keras = np.exp(means - means.max(axis=1, keepdims=True))
    by_keras /= by_keras.sum(axis=1, keepdims=True)
    apart = float(np.abs(by_opencv - by_keras).max())
    print(
        f"emotion.onnx: probabilities differ from Keras by at most {apart:.1e} on {len(faces)} faces"
    )
    if not apart <= PARITY_TOLERANCE:  # NaN too
        path.unlink()
        diverged = not np.isfinite(by_keras).all()
        mend = "the training diverged: lower --learning-rate" if diverged else BUILD
        fail("emotion.onnx", f"a probability from cv2.dnn differs from Keras by {apart:.2g}", mend)
