"""What the README says can be pasted, and what it says it prints."""

import re
import shlex

import pytest
from conftest import ROOT, run, slow

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name):
    """Return the lines of the block of code that follows a comment."""
    return re.search(f"<!-- {name} -->\n```.*\n((?:.*\n)*?)```", README)[1].splitlines()


def scripts():
    """Return the scripts of the toy block with their arguments, without what sets them up."""
    commands = [shlex.split(line) for line in block("toy")]
    return [command[1:] for command in commands if command[0] == "python"]


@pytest.mark.parametrize("count", [6, slow(8)])
def test_the_toy_block_prints_what_the_readme_says(tmp_path, count):
    """Word for word up to the training, whose figures differ between machines."""
    said = "".join(run(*script, cwd=tmp_path).stdout for script in scripts()[:count])
    lines, shown = said.splitlines(), block("toy output")
    training = shown.index("Epoch 1/15")
    assert lines[: training - 1] == shown[: training - 1]
    if count == 8:
        assert lines[training - 1 : training + 1] == shown[training - 1 : training + 1]
        for start in ("test, majority", "1,200,880", "data/model", "the network is that in data"):
            (line,) = (line for line in shown if line.startswith(start))
            words = line.split(" 0.")[0].split(", epoch")[0]
            assert any(line.startswith(words) for line in lines), words


def test_the_toy_block_runs_all_seven_scripts():
    seven = {path.name for path in ROOT.glob("*.py")}
    assert seven == {script for script, *_ in scripts()} - {"samples/make_toy_csv.py"}
