"""The format of faces between picture and network: gray squares of one size."""

FACE_SIZE = 48  # pixels: FER-2013's faces are 48x48
