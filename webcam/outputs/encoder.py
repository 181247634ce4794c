"""Encode a video in a thread. OpenCV lets other threads run while it encodes."""

import queue

import cv2
import numpy as np

from common.stopping import start_thread

WAITING = 4  # images in the queue, at most


class Encoder:
    """A cv2.VideoWriter in its own thread. The caller must not change an image after `write`."""

    def __init__(self, writer: "cv2.VideoWriter"):
        self.writer = writer
        self.images: queue.Queue = queue.Queue(WAITING)
        self.error: Exception | None = None
        self.thread = start_thread(self._encode)

    def _encode(self) -> None:
        while (image := self.images.get()) is not None:
            try:
                if not self.error:
                    self.writer.write(image)
            except Exception as error:  # raised again in `release`
                self.error = error

    def write(self, image: np.ndarray) -> None:
        """Queue an image, BGR, uint8 (height, width, 3)."""
        self.images.put(image)

    def release(self) -> None:
        """Encode the queued images and close the file. Raises any error of the writer."""
        self.images.put(None)
        self.thread.join()
        self.writer.release()
        if self.error:
            raise self.error
