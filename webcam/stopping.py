"""Ctrl-C, `kill` and a closed terminal, which end realtime.py with its files whole."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn


def end_at_signals() -> None:
    """End the loop at the first signal from now on, by KeyboardInterrupt."""
    _seen.clear()
    _handle(_interrupt)


def ignore_signals() -> None:
    """Only remember further ones while the files are closed."""
    _handle(_remember)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back until the end of the block, in which files are finished."""
    ignore_signals()
    yield
    if was_stopped():
        raise KeyboardInterrupt
    end_at_signals()


def was_stopped() -> bool:
    """Return whether there was a signal, also one that came while files were closed."""
    return bool(_seen)


_seen: list[int] = []  # signals


def _remember(number: int, frame: object) -> None:
    _seen.append(number)


def _interrupt(number: int, frame: object) -> NoReturn:
    _remember(number, frame)
    ignore_signals()
    raise KeyboardInterrupt


def _handle(handler: Callable) -> None:
    """Set the handler of the signals, except where `nohup` ignores them."""
    for name in {"SIGINT", "SIGTERM", "SIGHUP"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), handler)
