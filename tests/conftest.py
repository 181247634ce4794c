"""Fixtures that tests share. One is the whole pipeline on the toy CSV, made once."""

import os
import shutil
import signal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from PIL import Image
from support.files import read_picture
from support.scripts import PICTURE, make_toy, run
from support.stream import Stream, serve

from webcam.detection.haar import HaarDetector

# The examples are the same each time. `--hypothesis-profile=long` draws others, and fifty times as
# many
PROFILE: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
settings.register_profile("same", derandomize=True, max_examples=100, **PROFILE)
settings.register_profile("long", max_examples=5000, **PROFILE)
settings.load_profile("same")

# A shell that starts pytest with `&` or nohup ignores these signals. Every process that a test
# starts would inherit that
for name in {"SIGINT", "SIGHUP"} & set(dir(signal)):
    if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


# Fixtures that take long to make. One worker of pytest-xdist runs all tests that share one
MADE_ONCE = ["trained", "trained_alone", "results", "networks"]


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    for item in items:
        for fixture in MADE_ONCE:
            if fixture in item.fixturenames:
                item.add_marker(pytest.mark.xdist_group(fixture))
    # The longest tests go first, so that no worker still has one when the other has finished
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(autouse=True)
def environment():
    """Undo the setting for TensorFlow's messages that JAX makes when Keras imports it."""
    os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)


@pytest.fixture(scope="session")
def photo():
    return read_picture(PICTURE)


@pytest.fixture(scope="session")
def detector():
    """Return the real detector, which remembers nothing between frames."""
    return HaarDetector()


@pytest.fixture
def stream(request):
    handler = type("Handler", (Stream,), getattr(request, "param", {}))
    with serve(handler) as port:
        yield f"http://127.0.0.1:{port}/camera.mjpg"


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """Return a folder with the data/ of the toy CSV and the five data stages.

    Tests only read it.
    """
    return make_toy(tmp_path_factory.mktemp("toy"), 500)


@pytest.fixture(scope="session")
def small_toy(tmp_path_factory):
    """Return a folder like `toy` with a fifth of the faces, for frequent use."""
    return make_toy(tmp_path_factory.mktemp("small-toy"), 100)


@pytest.fixture(scope="session")
def few(toy, tmp_path_factory):
    """Return a folder with train/ and val/.

    It has eight faces per emotion: enough to run train.py, too few to learn from.
    """
    folder = tmp_path_factory.mktemp("few")
    for part in ("train", "val"):
        for emotion in (toy / "data/split" / part).iterdir():
            (folder / part / emotion.name).mkdir(parents=True)
            for path in sorted(emotion.iterdir())[:8]:
                shutil.copy(path, folder / part / emotion.name)
    return folder


@pytest.fixture(scope="session")
def trained(toy, tmp_path_factory):
    """Return a copy of `toy` after `train.py`, which adds data/model. Tests only read it.

    Its network is narrow, because the default one takes minutes on some machines.
    """
    folder = shutil.copytree(toy, tmp_path_factory.mktemp("trained"), dirs_exist_ok=True)
    run("train.py", "--epochs", 2, "--batch-size", 32, "--width", 0.25, cwd=folder)
    return folder


@pytest.fixture
def source(tmp_path):
    """Make a small dataset folder, faces/, with two emotions of three faces."""
    for emotion in ("anger", "happiness"):
        (tmp_path / "faces" / emotion).mkdir(parents=True)
        for number in range(3):
            face = Image.effect_noise((48, 48), 60 + number)
            face.save(tmp_path / "faces" / emotion / f"row{number:05}.png")
    return tmp_path / "faces"
