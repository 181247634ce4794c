"""The format of a face for the network: a gray square of fixed size."""

FACE_SIZE = 48  # pixels: FER-2013's faces are 48x48
