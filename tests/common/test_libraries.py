"""A missing library or an old Python gives one line."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.scripts import DATA_STAGES, PICTURE, ROOT, fails, run

SCRIPTS = [*DATA_STAGES, "train.py", "realtime.py", "samples/make_toy_csv.py"]


def one_line(command, cwd, says):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == "", done
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    assert all(text in done.stderr for text in says), done.stderr


# random_shuffle.py loads its libraries only after it has found its input
@pytest.mark.parametrize(
    "script", sorted({*SCRIPTS, "samples/plot_csv.py"} - {"random_shuffle.py"})
)
def test_a_script_without_its_libraries(script, tmp_path):
    """-S starts Python without site-packages, as outside the environment."""
    special = {
        "realtime.py": "-r requirements-webcam.txt",
        "samples/plot_csv.py": "pandas matplotlib",
    }
    says = ["No module named", f"`pip install {special.get(script, '-r requirements.txt')}`"]
    one_line([sys.executable, "-S", str(ROOT / script)], tmp_path, says)


def test_outside_an_environment_its_activation_is_named(tmp_path):
    base = os.path.realpath(sys.executable)  # the Python that made the environment
    one_line([base, "-S", str(ROOT / "contrast.py")], tmp_path, ["activate"])


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_older_python_is_told_which_one_is_needed(script, tmp_path):
    code = f"""
import runpy, sys; sys.version_info = (3, 9, 2); sys.path.insert(0, {str(ROOT)!r})
runpy.run_path(sys.argv[1])
"""
    says = ["Python 3.9", "needs Python 3.10"]
    one_line([sys.executable, "-c", code, str(ROOT / script)], tmp_path, says)
    for path in (script, "common/libraries.py", "common/__init__.py"):
        ast.parse((ROOT / path).read_text(encoding="utf-8"), feature_version=(3, 9))


OLD = [*Path.home().glob(".pyenv/versions/3.[789]*/bin/python")]


@pytest.mark.skipif(not OLD, reason="needs pyenv with a Python 3.7 to 3.9")
@pytest.mark.parametrize("script", [*SCRIPTS, "samples/plot_csv.py"])
def test_a_real_older_python_gets_as_far_as_that_line(script, tmp_path):
    for python in OLD:
        one_line([python, str(ROOT / script)], tmp_path, ["is too old, this needs Python 3.10"])


def test_a_library_that_is_loaded_late(source, tmp_path):
    """requirements-webcam.txt alone does not include tqdm."""
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake/tqdm.py").write_text("raise ModuleNotFoundError(\"No module named 'tqdm'\")")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "fake")}
    says = ["No module named 'tqdm'", "`pip install -r requirements.txt`"]
    fails("contrast.py", "--source", source, cwd=tmp_path, env=env, says=says)
    assert not (tmp_path / "data/contrast").exists()


@pytest.mark.parametrize("library", ["splitfolders", "matplotlib"])
def test_ctrl_c_waits_until_a_library_is_loaded(source, tmp_path, library):
    """Ctrl-C can come at the start or later. A library that stops halfway can crash Python at exit."""
    stub = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nopen('loaded', 'w').close()\n"
    (tmp_path / library).mkdir()
    (tmp_path / library / "__init__.py").write_text(stub)
    (tmp_path / library / "figure.py").write_text("Figure = None\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    if library == "matplotlib":
        arguments = ["random_shuffle.py", "--sources", "faces", "--out", "out"]
    else:
        arguments = ["random_split.py", "--source", "faces", "--out", "out"]
    done = run(*arguments, cwd=tmp_path, env=env, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert (tmp_path / "loaded").exists() and not (tmp_path / "out").exists()


def test_realtime_needs_what_its_requirements_name_and_no_more(tmp_path):
    """Other modules can't be imported in this test."""
    lines = (ROOT / "requirements-webcam.txt").read_text().splitlines()
    names = {re.split("[<>=]", line)[0] for line in lines if not line.startswith("#")}
    assert names == {"numpy", "opencv-python"}
    code = f"""
import runpy, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        known = name.split(".")[0] in {{"numpy", "cv2", "common", "webcam", *sys.stdlib_module_names}}
        if not known and not name.startswith("_"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Finder())
sys.path.insert(0, {str(ROOT)!r})
sys.argv = ["realtime.py", "--source", {str(PICTURE)!r}, "--headless"]
runpy.run_path({str(ROOT / "realtime.py")!r}, run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert "1 face" in done.stdout and done.stderr == "", done.stderr


BOUND = r"([A-Za-z][\w-]*?)(?:-headless)?((?:[<>=~!]=|[<>])\d[\d.]*(?:,[<>=!]+\d[\d.]*)*)"


def test_a_bound_that_stands_in_several_files_is_the_same():
    """The files are the requirements, pyproject.toml and the README.

    opencv-python-headless has the bound of opencv-python.
    """
    places: dict[str, dict[str, set[str]]] = {}
    for path in [*ROOT.glob("requirements*.txt"), ROOT / "pyproject.toml", ROOT / "README.md"]:
        for name, bound in re.findall(rf"(?<![\w-]){BOUND}", path.read_text(encoding="utf-8")):
            places.setdefault(name.lower(), {}).setdefault(path.name, set()).add(bound)
    assert len(places["numpy"]) > 1, "the README has some too"
    for name, bounds in places.items():
        first, *others = bounds.values()  # there are several bounds if Pythons differ
        assert all(other == first for other in others), f"{name}: {bounds}"
