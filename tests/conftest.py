"""The fixtures that tests share, among them the whole pipeline on the toy CSV, made once."""

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

# The same examples every time; `--hypothesis-profile=long` draws others, and fifty times as many
PROFILE: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
settings.register_profile("same", derandomize=True, max_examples=100, **PROFILE)
settings.register_profile("long", max_examples=5000, **PROFILE)
settings.load_profile("same")

# A shell that starts pytest with `&` or nohup has these ignored, and every process that a test
# starts would inherit it
for name in {"SIGINT", "SIGHUP"} & set(dir(signal)):
    if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


# Fixtures that take long to make. One worker of pytest-xdist runs all the tests that share one
MADE_ONCE = ["trained", "trained_alone", "results", "networks"]


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    for item in items:
        for fixture in MADE_ONCE:
            if fixture in item.fixturenames:
                item.add_marker(pytest.mark.xdist_group(fixture))
    # The longest first, so that no worker has one of them left when the other is done
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(autouse=True)
def environment():
    """Undo what JAX sets when Keras imports it into the tests' own process: how much TensorFlow says."""
    os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)


@pytest.fixture(scope="session")
def photo():
    return read_picture(PICTURE)


@pytest.fixture(scope="session")
def detector():
    """The real detector; it keeps nothing from frame to frame."""
    return HaarDetector()


@pytest.fixture
def stream(request):
    handler = type("Handler", (Stream,), getattr(request, "param", {}))
    with serve(handler) as port:
        yield f"http://127.0.0.1:{port}/camera.mjpg"


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A folder with data/ as the toy CSV and the five data stages leave it.

    Tests read it and change nothing.
    """
    return make_toy(tmp_path_factory.mktemp("toy"), 500)


@pytest.fixture(scope="session")
def small_toy(tmp_path_factory):
    """The same of a fifth of the faces, for what is done often."""
    return make_toy(tmp_path_factory.mktemp("small-toy"), 100)


@pytest.fixture(scope="session")
def few(toy, tmp_path_factory):
    """A folder with train/ and val/.

    Eight faces per emotion, enough to run train.py and too few to learn from.
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
    """A copy of that folder after `train.py`, which adds data/model. Tests change nothing in it."""
    folder = shutil.copytree(toy, tmp_path_factory.mktemp("trained"), dirs_exist_ok=True)
    run("train.py", "--epochs", 2, "--batch-size", 32, cwd=folder)
    return folder


@pytest.fixture
def source(tmp_path):
    """A small dataset folder, faces/, with two emotions of three faces."""
    for emotion in ("anger", "happiness"):
        (tmp_path / "faces" / emotion).mkdir(parents=True)
        for number in range(3):
            face = Image.effect_noise((48, 48), 60 + number)
            face.save(tmp_path / "faces" / emotion / f"row{number:05}.png")
    return tmp_path / "faces"
