"""The shape of an ONNX network's input, which cv2.dnn does not tell.

An ONNX file is a message in protobuf's wire format. onnx/onnx.proto has the numbers of its fields.
"""

import io
from collections.abc import Iterator

MODEL_GRAPH, GRAPH_INPUT, VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE = 7, 11, 2, 1, 2
DIMENSION, LENGTH = 1, 1
NUMBER, BYTES = 0, 2  # kinds of fields; floats, the other two, don't occur on the way to the shape


def input_shape(onnx: bytes) -> list:
    """Return the shape of a network's first input, with None for a length that is not fixed.

    Raises ValueError or TypeError if `onnx` is no such file, or does not tell.
    """
    message = onnx
    for wanted in (MODEL_GRAPH, GRAPH_INPUT, VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE):
        message = next((value for number, value in fields(message) if number == wanted), b"")
    lengths = [value for number, value in fields(message) if number == DIMENSION]
    if not lengths:
        raise ValueError("no shape")
    return [dict(fields(length)).get(LENGTH) for length in lengths]


def fields(message: bytes) -> Iterator[tuple]:
    """Yield the number and the value, int or bytes, of each field of a message."""
    stream = io.BytesIO(message)

    def number() -> int:
        value = 0
        for shift in range(0, 64, 7):
            (byte,) = stream.read(1)  # ValueError at the end
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number of more than 64 bits")

    while stream.tell() < len(message):
        field, kind = divmod(number(), 8)
        value = number()
        if kind == BYTES and value <= len(message) - stream.tell():
            yield field, stream.read(value)
        elif kind == NUMBER:
            yield field, value
        else:
            raise ValueError("no field of a graph, or cut off")
