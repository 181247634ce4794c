"""Handle Ctrl-C, `kill` and a closed terminal, so that realtime.py still finishes its files."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

_seen: list[int] = []  # numbers of the signals received
_raises = False  # whether the next signal raises KeyboardInterrupt


def end_at_signals() -> None:
    """Raise KeyboardInterrupt at the next signal, but leave signals alone that `nohup` ignores."""
    global _raises
    _seen.clear()
    _raises = True
    for name in {"SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), _receive)


def ignore_signals() -> None:
    """Only record further signals, so that the files can be closed."""
    global _raises
    _raises = False


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back until the end of the block.

    A signal in a `threading.Condition` or `queue.Queue` can leave it locked for good. Blocks may be
    nested.
    """
    global _raises
    raised, _raises = _raises, False
    try:
        yield
    finally:
        _raises = raised
    if _raises and _seen:
        ignore_signals()
        raise KeyboardInterrupt


def start_thread(target: Callable, *arguments: object) -> threading.Thread:
    """Start a thread that does not keep Python from exiting. Signals wait until it runs."""
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    with signals_held():
        thread.start()
    return thread


def was_stopped() -> bool:
    """Return whether a signal has arrived, including those while files were closed."""
    return bool(_seen)


def _receive(number: int, frame: object) -> None:
    _seen.append(number)
    if _raises:
        ignore_signals()
        raise KeyboardInterrupt
