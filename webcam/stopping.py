"""Ctrl-C, `kill` and a closed terminal, which end realtime.py with its files whole."""

import signal
from collections.abc import Callable
from typing import NoReturn


def end_at_signals() -> None:
    """End the loop at the first signal, by KeyboardInterrupt."""
    _handle(_interrupt)


def ignore_signals() -> None:
    """Ignore further ones while the files are closed."""
    _handle(lambda number, frame: None)


def _interrupt(number: int, frame: object) -> NoReturn:
    ignore_signals()
    raise KeyboardInterrupt


def _handle(handler: Callable) -> None:
    """Set the handler of the signals, except where `nohup` ignores them."""
    for name in {"SIGINT", "SIGTERM", "SIGHUP"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), handler)
