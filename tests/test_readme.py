"""The README's commands can be pasted, and they print the output that it shows."""

import re
import shlex
import shutil
import subprocess
import sys
from typing import Any

import pytest
from support.files import make_video, read_picture
from support.scripts import PICTURE, ROOT, run, slow

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name):
    """Return the lines of the code block that follows a comment."""
    return found(f"<!-- {name} -->\n```.*\n((?:.*\n)*?)```", README).splitlines()


def found(pattern, text):
    """Return the group of a pattern. Assert that the text contains it."""
    match = re.search(pattern, text)
    assert match, f"no {pattern} in {text}"
    return match[1]


def scripts():
    """Return the scripts of the toy block with their arguments, without the setup commands."""
    commands = [shlex.split(line) for line in block("toy")]
    found = [command[1:] for command in commands if command[0] == "python"]
    return [[script.removeprefix("../"), *rest] for script, *rest in found]


@pytest.mark.parametrize("count", [6, slow(8)])
def test_the_toy_block_prints_what_the_readme_says(tmp_path, count):
    """The output is the same word for word up to the training.

    The figures of the training differ between machines.
    """
    said = "".join(run(*script, cwd=tmp_path).stdout for script in scripts()[:count])
    lines, shown = said.splitlines(), block("toy output")
    training = next(number for number, line in enumerate(shown) if line.startswith("epoch 1/15: "))
    assert lines[: training - 1] == shown[: training - 1]
    if count == 8:
        assert lines[training - 1] == shown[training - 1]
        assert lines[training].startswith("epoch 1/15: accuracy ")
        for start in ("test, majority", "1,200,880", "data/model", "using the network in data"):
            (line,) = (line for line in shown if line.startswith(start))
            words = line.split(" 0.")[0].split(", epoch")[0]
            assert any(line.startswith(words) for line in lines), words


def test_the_toy_block_runs_all_seven_scripts():
    seven = {path.name for path in ROOT.glob("*.py")}
    assert seven == {script for script, *_ in scripts()} - {"samples/make_toy_csv.py"}


def test_a_network_of_your_own_in_six_commands(toy, tmp_path):
    """Drawn faces replace those that a user collects by keys in a window."""
    (tmp_path / "pretrained").symlink_to(ROOT / "pretrained")
    collect, again, *rest, watch = [shlex.split(line)[1:] for line in block("own")]
    emotions = collect[collect.index("--emotions") + 1 :]
    assert emotions == again[again.index("--emotions") + 1 :]
    for command, drawn, most in ((collect, "pool", 50), (again, "test", 10)):
        folder = tmp_path / command[command.index("--collect") + 1]
        for emotion, looks in zip(emotions, ("happiness", "sadness", "surprise")):
            (folder / emotion).mkdir(parents=True)
            for path in sorted((toy / "data/faces" / drawn / looks).iterdir())[:most]:
                shutil.copy(path, folder / emotion)
    said = [run(*command, cwd=tmp_path).stdout for command in rest]
    assert "\nmy_faces: 150 files read\n" in said[0]
    assert "3 emotions" in said[2] and "last layer: a regression" in said[2]
    accuracy = float(found(r"test, folder rule: accuracy ([0-9.]+)", said[2]))
    assert accuracy > 0.75
    watch += ["--source", ROOT / "samples/astronaut.jpg", "--headless"]
    said = run(*watch, cwd=tmp_path).stdout
    assert said.startswith("using the network in data/model\n1 picture, 1 face: ")
    assert found("1 face: ([a-z]+)", said) in emotions


def test_a_video_and_a_folder_of_pictures(tmp_path):
    (tmp_path / "photos").mkdir()
    shutil.copy(PICTURE, tmp_path / "photos")
    make_video(tmp_path / "clip.mp4")
    for command in block("webcam"):
        run(*shlex.split(command)[1:], "--model", ROOT / "pretrained", cwd=tmp_path)
    assert len((tmp_path / "faces.csv").read_text().splitlines()) > 10
    made = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {"clip.mp4", "labelled.mp4", "faces.csv", PICTURE.name}
    assert (tmp_path / "labelled" / PICTURE.name).is_file()


def test_a_program_of_your_own(monkeypatch):
    monkeypatch.chdir(ROOT)
    given: dict[str, Any] = {"frame": read_picture(PICTURE), "seconds": 0.0}
    exec("\n".join(block("program")), given)
    (face,) = given["faces"]
    assert (face.emotion, len(face.probabilities)) == ("happiness", len(given["analyzer"].emotions))


def test_the_seven_steps_are_the_commands_of_the_toy_block():
    steps = found(r"\n## The seven scripts\n((?:.*\n)*?)## ", README)
    numbered = re.findall(r"```bash\npython (.*)\n```", steps)
    assert numbered == [name for name, *_ in scripts() if not name.startswith("samples/")]


SCRIPTS = [*ROOT.glob("*.py"), *ROOT.glob("samples/*.py"), *ROOT.glob("benchmarks/*.py")]
OF_OTHER_PROGRAMS = {
    "--rm",
    "--gpus-per-node",
    "--gpus-per-task",
    "--nodes",
    "--ntasks-per-node",
    "--logdir",
}
FLAG = r"(?<![\w-])--[a-z0-9]+(?:-[a-z0-9]+)*"


def options(script, cwd):
    """Return the options in a script's help."""
    said = run(script.relative_to(ROOT), "--help", cwd=cwd).stdout
    _, heading, listed = said.partition("\noptions:\n")
    assert heading
    return set(re.findall(rf"(?m)^  .*?({FLAG})", listed)) | set(re.findall("--no-[a-z]+", listed))


def test_each_option_is_documented_and_each_documented_one_exists(tmp_path):
    documents = [README, *(path.read_text() for path in ROOT.glob("docs/*.md"))]
    documented = set(re.findall(FLAG, "".join(documents)))
    exist = {script: options(script, tmp_path) for script in SCRIPTS}
    assert documented <= set().union(*exist.values()) | OF_OTHER_PROGRAMS
    for script in ROOT.glob("*.py"):
        assert exist[script] - {"--help"} <= documented, script.name
    # Each command also uses only options of its own script
    documents += [path.read_text() for path in ROOT.glob("*.md")]
    commands = re.findall(
        r"python ([a-z_/]+\.py)\b([^`#]*?)(?:`|#|\n(?! *--))", "\n".join(documents)
    )
    assert len(commands) > 30
    for name, given in commands:
        assert set(re.findall(FLAG, given)) <= exist[ROOT / name], (name, given)


def test_the_tables_of_the_documents_are_those_of_the_figures(tmp_path):
    for folder in ("benchmarks", "common", "docs", "pretrained"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    command = [sys.executable, tmp_path / "benchmarks/report.py"]
    assert subprocess.run([*command, "--check"]).returncode == 0
    figures = tmp_path / "benchmarks/results/scaling.json"
    figures.write_text(figures.read_text().replace("28,384", "28,385"))
    wrong = subprocess.run([*command, "--check"], capture_output=True, text=True)
    assert wrong.returncode == 1 and "tables are not those of the figures" in wrong.stderr
    assert subprocess.run(command).returncode == 0
    assert "28,385" in (tmp_path / "docs/scaling.md").read_text()
    figures.unlink()
    wrong = subprocess.run(command, capture_output=True, text=True)
    assert wrong.returncode == 1 and "table scaling: no figures" in wrong.stderr
