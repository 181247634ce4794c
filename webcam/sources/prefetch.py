"""Read frames ahead in a thread. OpenCV lets other threads run while it decodes."""

import queue
import threading
from collections.abc import Iterator

from common.stopping import signals_held, start_thread
from webcam.sources.frame import Frame

AHEAD = 2  # frames in the queue
PATIENCE = 1.0  # seconds that `close` waits for a read that may never return, such as from a pipe


class Prefetch:
    """Iterates over `frames` in a thread and yields them in order.

    An error is raised in the place of the frame that failed.
    """

    def __init__(self, frames: Iterator[Frame]):
        self.frames = frames
        self.ready: queue.Queue = queue.Queue(AHEAD)
        self.closed = threading.Event()
        self.thread = start_thread(self._read)

    def _read(self) -> None:
        item: Frame | Exception | None = None
        while not self.closed.is_set():
            try:
                item = next(self.frames, None)
            except Exception as error:  # __iter__ raises it again
                item = error
            while not self.closed.is_set():
                try:
                    self.ready.put(item, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if not isinstance(item, Frame):
                return

    def __iter__(self) -> Iterator[Frame]:
        while True:
            try:
                with signals_held():  # so Ctrl-C is answered after the timeout at the latest
                    item = self.ready.get(timeout=0.1)
            except queue.Empty:
                continue
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> bool:
        """Stop the thread. Return whether it has ended."""
        self.closed.set()
        self.thread.join(PATIENCE)
        return not self.thread.is_alive()
