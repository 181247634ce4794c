"""What cv2.dnn does not tell of a TFLite file.

A TFLite file is a FlatBuffer (tensorflow/lite/schema/schema.fbs): tables of numbered fields, each
the offset of where its value lies.
"""

import struct
from collections.abc import Iterator

# Numbers of the fields that are read, and of an operator
MODEL_OPERATOR_CODES, MODEL_SUBGRAPHS = 1, 2
CODE_OLD_BUILTIN, CODE_BUILTIN = 0, 3
GRAPH_TENSORS, GRAPH_INPUTS, GRAPH_OPERATORS = 0, 1, 3
OPERATOR_CODE, OPERATOR_INPUTS = 0, 1
TENSOR_SHAPE = 0
FULLY_CONNECTED = 9


class FlatBuffer:
    """The bytes of a FlatBuffer; a table or vector is the place where it begins.

    Every method raises struct.error where the bytes are none.
    """

    def __init__(self, data: bytes):
        self.data = data

    def number(self, place: int, form: str = "<i") -> int:
        if place < 0:  # from the end, to Python
            raise struct.error("before the file")
        return struct.unpack_from(form, self.data, place)[0]

    def follow(self, place: int) -> int:
        """Return what the offset at a place leads to."""
        return place + self.number(place, "<I")

    def field(self, table: int, number: int) -> int | None:
        """Return the place of a table's field, None where it has its default."""
        fields = table - self.number(table)
        # The first two bytes are the length of the list of offsets
        if 4 + 2 * number >= self.number(fields, "<H"):
            return None
        offset = self.number(fields + 4 + 2 * number, "<H")
        return table + offset if offset else None

    def vector(self, table: int, number: int) -> list[int]:
        """Return the places of the elements, of four bytes each, of a table's vector."""
        place = self.field(table, number)
        if place is None:
            return []
        start = self.follow(place)
        count = self.number(start, "<I")
        if start + 4 + 4 * count > len(self.data):
            raise struct.error("longer than the file")
        return [start + 4 + 4 * index for index in range(count)]

    def tables(self, table: int, number: int) -> list[int]:
        """Return the tables in a table's vector."""
        return [self.follow(place) for place in self.vector(table, number)]

    def numbers(self, table: int, number: int) -> list[int]:
        """Return the numbers in a table's vector."""
        return [self.number(place) for place in self.vector(table, number)]


def input_shape(tflite: bytes) -> list[int]:
    """Return the shape of a TFLite network's input, (1, height, width, channels).

    Raises struct.error or IndexError for what is no such file.
    """
    buffer = FlatBuffer(tflite)
    graph = buffer.tables(buffer.follow(0), MODEL_SUBGRAPHS)[0]
    first = buffer.numbers(graph, GRAPH_INPUTS)[0]
    return buffer.numbers(buffer.tables(graph, GRAPH_TENSORS)[first], TENSOR_SHAPE)


def has_dense_bias(tflite: bytes) -> bool:
    """Return whether a TFLite network has a dense layer with a bias, which cv2.dnn leaves out.

    Raises struct.error or IndexError for what is no such file.
    """
    buffer = FlatBuffer(tflite)
    model = buffer.follow(0)
    dense = {
        number
        for number, code in enumerate(buffer.tables(model, MODEL_OPERATOR_CODES))
        if FULLY_CONNECTED in builtin_codes(buffer, code)
    }
    graph = buffer.tables(model, MODEL_SUBGRAPHS)[0]
    for operator in buffer.tables(graph, GRAPH_OPERATORS):
        code = buffer.field(operator, OPERATOR_CODE)
        if (buffer.number(code) if code else 0) in dense:
            inputs = buffer.numbers(operator, OPERATOR_INPUTS)
            if len(inputs) > 2 and inputs[2] >= 0:
                return True
    return False


def builtin_codes(buffer: FlatBuffer, code: int) -> Iterator[int]:
    """Yield what an operator code's two fields for it say: the older one has a single byte."""
    for number, form in ((CODE_OLD_BUILTIN, "<b"), (CODE_BUILTIN, "<i")):
        if place := buffer.field(code, number):
            yield buffer.number(place, form)
