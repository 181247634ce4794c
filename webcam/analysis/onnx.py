"""Read the shape of an ONNX network's input, since cv2.dnn does not report it.

An ONNX file is a message in protobuf's wire format. onnx/onnx.proto lists the field numbers.
"""

import io
from collections.abc import Iterator

PATH = [7, 11, 2, 1, 2]  # the nested fields graph, input, type, tensor_type, shape
DIMENSION, LENGTH = 1, 1
NUMBER, BYTES = 0, 2  # field types; floats don't occur on the way to the shape


def input_shape(message: bytes) -> list:
    """Return the shape of a network's first input, with None for lengths that are not fixed.

    Raises ValueError, TypeError or RecursionError if `message` is not an ONNX file or has no shape.
    """
    for wanted in PATH:
        message = next((value for number, value in fields(message) if number == wanted), b"")
    lengths = [value for number, value in fields(message) if number == DIMENSION]
    if not lengths:
        raise ValueError("no shape")
    return [dict(fields(length)).get(LENGTH) for length in lengths]


def fields(message: bytes) -> Iterator[tuple]:
    """Yield the number and the value, int or bytes, of each field of a message."""
    stream = io.BytesIO(message)

    def number() -> int:
        (byte,) = stream.read(1)  # ValueError at the end
        return byte if byte < 128 else byte - 128 + 128 * number()

    while stream.tell() < len(message):
        field, kind = divmod(number(), 8)
        value = number()
        if kind == BYTES and value <= len(message) - stream.tell():
            yield field, stream.read(value)
        elif kind == NUMBER:
            yield field, value
        else:
            raise ValueError("invalid or truncated field")
