"""A video encoded in a thread."""

import cv2
import numpy as np
import pytest
from support.files import frames_of

from webcam.outputs.encoder import WAITING, Encoder


def test_all_images_are_written_in_order(tmp_path):
    path = tmp_path / "out.avi"
    encoder = Encoder(cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48)))
    for number in range(5 * WAITING):
        encoder.write(np.full((48, 64, 3), 10 * number, np.uint8))
    encoder.release()
    shown = [round(float(frame.mean()) / 10) for frame in frames_of(path)]
    assert shown == list(range(5 * WAITING))


class Broken:
    """A writer whose second image fails."""

    count, released = 0, False

    def write(self, image):
        self.count += 1
        if self.count == 2:
            raise ValueError("no room")

    def release(self):
        self.released = True


def test_a_writer_that_fails_holds_nothing_up_and_is_told_at_the_end():
    writer = Broken()
    encoder = Encoder(writer)
    for _ in range(5 * WAITING):
        encoder.write(np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="no room"):
        encoder.release()
    assert writer.count == 2 and writer.released
