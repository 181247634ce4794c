"""Imports point one way: scripts -> packages -> common."""

import ast
import sys

import pytest
from support.scripts import ROOT

PACKAGES = ("common", "dataset", "network", "webcam", "page")
SCRIPTS = [path.stem for path in ROOT.glob("*.py")]
MAY_USE = {  # besides the standard library: packages of the project and libraries
    "common": {"common", "tqdm"},
    "dataset": {"common", "dataset", "numpy", "pandas", "PIL", "splitfolders", "matplotlib"},
    "network": {
        "common",
        "dataset",
        "network",
        "numpy",
        "pandas",
        "cv2",
        "keras",
        "matplotlib",
        "seaborn",
        "sklearn",
    }
    | {"tensorflow", "jax", "onnx"},
    "webcam": {"common", "webcam", "numpy", "cv2", "PIL"},  # Pillow is optional
    "page": {"common", "webcam", "page", "numpy", "cv2", "aiohttp"},
    "realtime": {"common", "webcam", "page", "numpy", "cv2"},
}
BESIDE = {"network.recipe", "network.backend", "network.digests"}  # for all rooms of network
ROOMS = {  # and the rooms and top modules of the package that each may use
    "webcam.detection": set(),
    "webcam.sources": set(),
    "webcam.analysis": {"webcam.detection"},
    "webcam.outputs": {"webcam.analysis", "webcam.sources"},
    "webcam.display": {"webcam.analysis", "webcam.outputs", "webcam.sources"},
    "network.data": BESIDE,
    "network.model": BESIDE,
    "network.evaluation": BESIDE | {"network.data", "network.model"},
    "network.training": BESIDE | {"network.data", "network.model", "network.evaluation"},
}
WITHOUT_KERAS = [
    "recipe",
    "digests",
    "options",
    "backend",
    "data.faces",
    "data.targets",
    "data.augmentation",
    "data.input",
    "evaluation.calibration",
    "evaluation.corruptions",
    "training.checkpoint",
]


def is_module(name):
    """Return whether `a.b` is a module or a package of the project."""
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def imported(path):
    """Return the modules that a file imports anywhere.

    `from a import b` counts as a.b if that is a module, else as a.
    """
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            inner = [f"{module}.{alias.name}" for alias in node.names]
            modules.update(name if is_module(name) else module for name in inner)
    return modules


FILES = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path
    for path in ROOT.glob("*.py")
}
FILES |= {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
}
ARROWS = {name: imported(path) for name, path in FILES.items()}


@pytest.mark.parametrize("place", MAY_USE)
def test_a_package_imports_nothing_but_what_it_may(place):
    for name in (name for name in ARROWS if name.split(".")[0] == place):
        foreign = {module.split(".")[0] for module in ARROWS[name]} - set(sys.stdlib_module_names)
        assert foreign <= MAY_USE[place], name


def place(module):
    """Return the room of a module, or the module itself if it is at the top of its package."""
    return ".".join(module.split(".")[:2])


def test_every_room_is_named_here():
    assert {place(name) for name in ARROWS if name.count(".") > 1} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_those_below_it_alone(room):
    package = room.split(".")[0]
    for name in (name for name in ARROWS if place(name) == room):
        used = {place(arrow) for arrow in ARROWS[name] if arrow.split(".")[0] == package}
        assert used <= ROOMS[room] | {room}, name


def test_the_modules_beside_the_rooms_of_network_use_none():
    for name in BESIDE:
        assert not {place(arrow) for arrow in ARROWS[name]} & set(ROOMS), name


def test_there_is_no_cycle():
    left = {name: arrows & set(ARROWS) for name, arrows in ARROWS.items()}
    while left:
        ends = [name for name, arrows in left.items() if not arrows & set(left)]
        assert ends, f"a cycle among {sorted(left)}"
        for name in ends:
            del left[name]


@pytest.mark.parametrize("module", WITHOUT_KERAS)
def test_no_keras_is_reached_from_what_needs_none(module):
    assert f"network.{module}" in ARROWS, "it is there"
    assert not reached_from({f"network.{module}"}) & {
        "keras",
        "jax",
        "tensorflow",
        "sklearn",
        "matplotlib",
    }


def reached_from(names):
    """Return the top names of all modules that `names` import, directly or through others."""
    reached, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += [arrow for arrow in ARROWS.get(name, ()) if arrow not in reached]
    return {name.split(".")[0] for name in reached}


def test_train_checks_its_input_before_opencv_and_keras_are_needed():
    """One late import, inside a function, is exempt."""
    top = ast.parse((ROOT / "train.py").read_text(encoding="utf-8"))
    blocks = [node.body for node in top.body if isinstance(node, ast.With)]
    names = {node.module for node in sum(blocks, top.body) if isinstance(node, ast.ImportFrom)}
    assert "network.data.faces" in names, "the imports are found"
    assert not reached_from(names) & {"cv2", "keras", "tensorflow", "sklearn", "matplotlib"}


def test_nothing_imports_a_script():
    for name, arrows in ARROWS.items():
        assert not arrows & set(SCRIPTS), name
    for path in [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("samples/*.py")]:
        assert not imported(path) & set(SCRIPTS), path
