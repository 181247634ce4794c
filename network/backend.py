"""The backend of Keras, TensorFlow, JAX or PyTorch: whether the one that is asked for is there."""

import importlib.util
import os

from common.errors import fail

BACKENDS = ["tensorflow", "jax", "torch"]


def installed() -> list[str]:
    """Return the backends that are installed."""
    return [name for name in BACKENDS if importlib.util.find_spec(name)]


def check_backend() -> None:
    """Raise UserError when KERAS_BACKEND names none that is installed."""
    asked = os.environ.get("KERAS_BACKEND")
    if asked and asked not in BACKENDS:
        fail(f"KERAS_BACKEND={asked}: no backend to train on; set {' or '.join(BACKENDS)}")
    if asked and asked not in installed():
        fail(f"KERAS_BACKEND={asked}: not installed; `pip install {asked}`{mend_by_others()}")


def check_installed(option: str, *packages: str) -> None:
    """Raise UserError when a package that an option needs is not installed."""
    missing = " ".join(name for name in packages if not importlib.util.find_spec(name))
    if missing:
        fail(f"{option}: needs what is not installed; leave it out, or `pip install {missing}`")


def mend_by_others() -> str:
    """Return how to use a backend that is installed, as the end of a line; nothing without any."""
    there = installed()
    others = " or ".join(f"KERAS_BACKEND={name}" for name in there)
    return f", or set {others}, which {'are' if there[1:] else 'is'} installed" if there else ""
