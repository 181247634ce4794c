"""The backend of Keras: TensorFlow, JAX or PyTorch."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager

from common.console import late_imports
from common.errors import fail

BACKENDS = ["tensorflow", "jax", "torch"]


def installed() -> list[str]:
    """Return the names of the installed backends."""
    return [name for name in BACKENDS if importlib.util.find_spec(name)]


@contextmanager
def keras_imports() -> Iterator[None]:
    """Import Keras in the block, in about 5 seconds. Raises UserError if its backend is missing."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow leaves oneDNN off on CPUs without AVX512 (docs/scaling.md has the gain)
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    asked, there = os.environ.get("KERAS_BACKEND"), installed()
    if asked and asked not in BACKENDS:
        fail(f"KERAS_BACKEND={asked}", "not a supported backend", f"set {' or '.join(BACKENDS)}")
    others = " or ".join(f"KERAS_BACKEND={name}" for name in there)
    others = f", or set {others}, which {'are' if there[1:] else 'is'} installed" if there else ""
    if asked and asked not in there:
        fail(f"KERAS_BACKEND={asked}", "not installed", f"`pip install {asked}`{others}")
    try:
        with late_imports():
            yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "tensorflow" or not there:
            raise
        mend = f"`pip install -r requirements.txt`{others}"
        fail("KERAS_BACKEND", "TensorFlow, Keras's default, is not installed", mend)


def check_installed(option: str, *packages: str) -> None:
    """Raise UserError if a package that an option needs is not installed."""
    missing = " ".join(name for name in packages if not importlib.util.find_spec(name))
    if missing:
        fail(option, "needs a missing package", f"leave it out, or `pip install {missing}`")
