"""The backend of Keras, TensorFlow, JAX or PyTorch: whether the one that is asked for is there."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager

from common.console import quiet
from common.errors import fail

BACKENDS = ["tensorflow", "jax", "torch"]


def installed() -> list[str]:
    """Return the backends that are installed."""
    return [name for name in BACKENDS if importlib.util.find_spec(name)]


def check_backend() -> None:
    """Raise UserError when KERAS_BACKEND names none that is installed."""
    asked = os.environ.get("KERAS_BACKEND")
    if asked and asked not in BACKENDS:
        fail(f"KERAS_BACKEND={asked}", "no backend to train on", f"set {' or '.join(BACKENDS)}")
    if asked and asked not in installed():
        fail(f"KERAS_BACKEND={asked}", "not installed", f"`pip install {asked}`{mend_by_others()}")


@contextmanager
def keras_imports() -> Iterator[None]:
    """Import Keras, and modules built on it, in the block: 5 seconds, once the input is known to be good.

    Raises UserError when the backend is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    check_backend()
    try:
        with quiet():
            yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "tensorflow" or not installed():
            raise
        mend = f"`pip install -r requirements.txt`{mend_by_others()}"
        fail("KERAS_BACKEND", "TensorFlow, Keras's own choice, is not installed", mend)


def check_installed(option: str, *packages: str) -> None:
    """Raise UserError when a package that an option needs is not installed."""
    missing = " ".join(name for name in packages if not importlib.util.find_spec(name))
    if missing:
        fail(option, "needs what is not installed", f"leave it out, or `pip install {missing}`")


def mend_by_others() -> str:
    """Return how to use a backend that is installed, as the end of a line; nothing without any."""
    there = installed()
    others = " or ".join(f"KERAS_BACKEND={name}" for name in there)
    return f", or set {others}, which {'are' if there[1:] else 'is'} installed" if there else ""
