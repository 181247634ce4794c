"""Imports point one way: scripts -> packages -> common."""

import ast
import sys

import pytest
from support.scripts import ROOT

PACKAGES = ("common", "dataset", "network", "webcam")
SCRIPTS = [path.stem for path in ROOT.glob("*.py")]
MAY_USE = {  # besides the standard library, and of the project itself
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
    | {"tensorflow", "jax"},
    "webcam": {"common", "webcam", "numpy", "cv2"},
    "realtime": {"common", "webcam", "numpy", "cv2"},
}
WITHOUT_KERAS = [
    "recipe",
    "options",
    "backend",
    "data.faces",
    "data.targets",
    "data.augmentation",
    "data.input",
    "evaluation.calibration",
    "evaluation.corruptions",
    "training.checkpoint",
    "training.teachers",
]


def is_module(name):
    """Return whether `a.b` is a module or a package of the project."""
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def imported(path):
    """Return the modules that a file imports anywhere, `from a import b` as a.b where that is a
    module, else a.
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
    """Return the top names of all modules that are imported from some, over any number of steps."""
    reached, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += [arrow for arrow in ARROWS.get(name, ()) if arrow not in reached]
    return {name.split(".")[0] for name in reached}


def test_train_checks_its_input_before_opencv_and_keras_are_needed():
    """Apart from the one late import, which is in a function."""
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
