"""Model folders with small networks, in the form that other tools write."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

EMOTIONS = ["anger", "happiness", "sadness"]


def write_network(folder, shape, end="Softmax", batch="n"):
    """Write emotion.onnx and labels.txt: a dense layer on pooled features, then a node of kind
    `end`.

    `shape` is (channels, height, width). Variable lengths have names instead of numbers.
    """
    rng = np.random.default_rng(0)
    kernel, dense = rng.normal(0, 0.003, (4, shape[0], 3, 3)), rng.normal(0, 1, (4, len(EMOTIONS)))
    bias = rng.normal(0, 1, len(EMOTIONS))
    constants = [
        numpy_helper.from_array(values.astype(np.float32), name)
        for name, values in (("kernel", kernel), ("dense", dense), ("bias", bias))
    ]
    nodes = [
        helper.make_node("Conv", ["faces", "kernel"], ["features"], kernel_shape=[3, 3]),
        helper.make_node("GlobalAveragePool", ["features"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "dense", "bias"], ["logits"]),
        helper.make_node(end, ["logits"], ["out"]),
    ]
    ends = [
        helper.make_tensor_value_info("faces", TensorProto.FLOAT, [batch, *shape]),
        helper.make_tensor_value_info("out", TensorProto.FLOAT, [batch, len(EMOTIONS)]),
    ]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], constants)
    opset = [helper.make_opsetid("", 13)]
    folder.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=opset, ir_version=7)
    (folder / "emotion.onnx").write_bytes(model.SerializeToString())
    (folder / "labels.txt").write_text("".join(f"{emotion}\n" for emotion in EMOTIONS))
    return folder
