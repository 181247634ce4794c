"""Handle Ctrl-C, `kill` and a closed terminal, so that realtime.py still finishes its files."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn


def end_at_signals() -> None:
    """Raise KeyboardInterrupt at the next signal."""
    _seen.clear()
    _handle(_interrupt)


def ignore_signals() -> None:
    """Only record further signals, so that the files can be closed."""
    _handle(_remember)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back until the end of the block, while it finishes files."""
    ignore_signals()
    yield
    if was_stopped():
        raise KeyboardInterrupt
    end_at_signals()


def was_stopped() -> bool:
    """Return whether a signal has arrived, including those while files were closed."""
    return bool(_seen)


_seen: list[int] = []  # numbers of the signals received


def _remember(number: int, frame: object) -> None:
    _seen.append(number)


def _interrupt(number: int, frame: object) -> NoReturn:
    _remember(number, frame)
    ignore_signals()
    raise KeyboardInterrupt


def _handle(handler: Callable) -> None:
    """Set the signal handler, but leave signals alone that `nohup` ignores."""
    for name in {"SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), handler)
