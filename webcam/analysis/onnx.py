"""The shape of an ONNX network's input, which cv2.dnn does not tell.

An ONNX file is a message in protobuf's wire format. onnx/onnx.proto has the numbers of its fields.
"""

import io
from collections.abc import Iterator

PATH = [7, 11, 2, 1, 2]  # the fields graph, input, type, tensor_type, shape, one within the other
DIMENSION, LENGTH = 1, 1
NUMBER, BYTES = 0, 2  # kinds of fields; the others, floats, don't occur on the way to the shape


def input_shape(message: bytes) -> list:
    """Return the shape of a network's first input, with None for a length that is not fixed.

    Raises ValueError, TypeError or RecursionError if `message` is no ONNX file, or does not tell.
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
            raise ValueError("no field of a graph, or cut off")
