"""What cv2.dnn does not tell of a TFLite file."""

import struct


def input_shape(tflite: bytes) -> list[int]:
    """Return the shape of a TFLite network's input, (1, height, width, channels).

    A TFLite file is a FlatBuffer (tensorflow/lite/schema/schema.fbs): tables of offsets, whose
    fields are numbered. Here: Model.subgraphs is field 2, SubGraph.tensors 0 and .inputs 1,
    Tensor.shape 0. Raises struct.error for what is no such file.
    """

    def read(place: int, form: str = "<I") -> int:
        return struct.unpack_from(form, tflite, place)[0]

    def follow(place: int) -> int:
        return place + read(place)

    def vector(table: int, number: int) -> int:
        fields = table - read(table, "<i")
        # 4: past the vector's length
        return follow(table + read(fields + 4 + 2 * number, "<H")) + 4

    graph = follow(vector(follow(0), 2))
    tensor = follow(vector(graph, 0) + 4 * read(vector(graph, 1)))
    shape = vector(tensor, 0)
    return [read(shape + 4 * axis, "<i") for axis in range(read(shape - 4))]
