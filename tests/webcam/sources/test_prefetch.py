"""Frames that a thread reads ahead."""

import threading
import time

import numpy as np
import pytest

from webcam.sources.frame import Frame
from webcam.sources.prefetch import AHEAD, Prefetch

IMAGE = np.zeros((2, 2, 3), np.uint8)


def test_frames_come_in_order_and_few_are_read_ahead():
    read = []

    def frames():
        for number in range(20):
            read.append(number)
            yield Frame(IMAGE, float(number))

    prefetch = Prefetch(frames())
    for number, frame in enumerate(prefetch):
        assert frame.seconds == number
        # Some frames wait, and one more is ready
        assert len(read) <= number + 1 + AHEAD + 1
    assert number == 19 and prefetch.close()


def test_an_error_comes_after_the_frames_before_it():
    def frames():
        yield Frame(IMAGE, 0.0)
        raise OSError("no more")

    prefetch, seen = Prefetch(frames()), []
    with pytest.raises(OSError, match="no more"):
        seen.extend(prefetch)
    assert len(seen) == 1 and prefetch.close()


def test_it_can_be_closed_at_any_time():
    def endless():
        while True:
            yield Frame(IMAGE, 0.0)

    for taken in (0, 1, 5):
        prefetch = Prefetch(endless())
        frames = iter(prefetch)
        for _ in range(taken):
            next(frames)
        assert prefetch.close() and not prefetch.thread.is_alive()


def test_a_read_that_never_returns_does_not_hold_up_the_end():
    """A pipe without a writer never returns. What the thread reads from stays open."""
    never = threading.Event()

    def stuck():
        never.wait()
        yield Frame(IMAGE, 0.0)

    prefetch, start = Prefetch(stuck()), time.monotonic()
    assert not prefetch.close() and time.monotonic() - start < 10
    never.set()
