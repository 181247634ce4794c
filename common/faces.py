"""What a face is on its way from picture to network: a gray square of one size."""

FACE_SIZE = 48  # pixels: FER-2013's faces are 48x48
