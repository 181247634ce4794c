"""Killed, interrupted, started twice: an output is whole or absent.

The next run repairs everything.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import cv2
import pandas as pd
import pytest
from support.files import make_video, tree_hash
from support.scripts import DATA_STAGES, OUTPUTS, ROOT, on_few, run, slow

# Options that make the earlier output of each data stage differ from the new one
STAGES = {
    "data_preprocessing.py": ["--rule", "majority"],
    "random_split.py": ["--seed", "1"],
    "contrast.py": ["--factor", "2"],
    "sharpness.py": ["--factor", "2"],
    "random_shuffle.py": ["--seed", "1"],
}
# Runs a script and counts its changes on the disk. It kills itself just before change number
# argv[1], unless that is 0
COUNTING = """
import os, runpy, signal, sys
number, changes = int(sys.argv[1]), 0
def see(event, args):
    global changes
    if event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove") or (event == "open" and args[2] & os.O_ACCMODE):
        changes += 1
        if changes == number:
            os.kill(os.getpid(), signal.SIGKILL)
sys.argv = sys.argv[2:]
sys.path[0] = os.path.dirname(sys.argv[0])
sys.addaudithook(see)
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print("changes", changes)
"""

# Runs a script and counts the locks that its main thread takes for a Condition or Queue. It sends
# itself Ctrl-C when it has taken lock number argv[1], unless that is 0
LOCKING = """
import os, runpy, signal, sys, threading
number, locks = int(sys.argv[1]), 0
def see(frame, event, arg):
    global locks
    if event == "return" and frame.f_code is threading.Condition.__enter__.__code__:
        locks += 1
        if locks == number:
            os.kill(os.getpid(), signal.SIGINT)
sys.argv = sys.argv[2:]
sys.path[0] = os.path.dirname(sys.argv[0])
from common import command_line
run = command_line.run
command_line.run = lambda main: run(lambda: sys.setprofile(see) or main())
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print("locks", locks)
"""

# Runs a script and says when its imports are done and its main begins. From then on, Ctrl-C gives
# one line
BEGINNING = """
import os, runpy, sys
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
from common import command_line
run = command_line.run
command_line.run = lambda main: run(lambda: os.write(1, b"!") and main())
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def kill_before(change, script, cwd):
    """Run a stage and kill it before a change on the disk. Return its output.

    The changes count from 1. With 0 the stage is not killed.
    """
    command = [sys.executable, "-B", "-c", COUNTING, str(change), str(ROOT / script)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == (-signal.SIGKILL if change else 0), done.stderr
    return done.stdout


class Bench:
    """A folder with the data/ that a stage needs, and an earlier output of the stage."""

    def __init__(self, toy, folder, script):
        self.folder, self.script = folder, script
        self.out, self.earlier = folder / "data" / OUTPUTS[script], folder / "earlier"
        later = [OUTPUTS[stage] for stage in DATA_STAGES[DATA_STAGES.index(script) :]]
        shutil.copytree(toy / "data", folder / "data", ignore=lambda *_: later)
        run(script, cwd=folder)
        self.new_hash = tree_hash(self.out)
        run(script, *STAGES[script], cwd=folder)
        self.out.rename(self.earlier)
        self.old_hash, self.input_hash = tree_hash(self.earlier), tree_hash(folder / "data")
        assert self.new_hash != self.old_hash
        self.beside = sorted(os.listdir(folder / "data"))

    def prepare(self):
        """Restore the earlier output."""
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.earlier, self.out)

    def check(self):
        """Assert that the output is whole or absent.

        Assert that the next run makes it, and leaves nothing else.
        """
        assert not self.out.exists() or tree_hash(self.out) in (self.old_hash, self.new_hash)
        run(self.script, cwd=self.folder)
        assert tree_hash(self.out) == self.new_hash
        shutil.rmtree(self.out)
        assert sorted(os.listdir(self.folder / "data")) == self.beside
        assert tree_hash(self.folder / "data") == self.input_hash


@pytest.fixture(scope="module")
def bench(small_toy, tmp_path_factory, request):
    return Bench(small_toy, tmp_path_factory.mktemp("bench"), request.param)


@pytest.mark.parametrize("times", [1, slow(20)])
@pytest.mark.parametrize("bench", STAGES, indirect=True)
def test_killed_before_any_change_on_the_disk(bench, times):
    """The kills come before random changes, and around the two renames of the hand-over."""
    bench.prepare()
    changes = int(kill_before(0, bench.script, bench.folder).split()[-1])
    # They are removed last, after the renames
    files = sum(len(names) + 1 for _, _, names in os.walk(bench.earlier))
    renames = [changes - files - 1, changes - files][-times:]
    for change in renames + random.Random(bench.script).sample(range(1, changes + 1), times):
        bench.prepare()
        kill_before(change, bench.script, bench.folder)
        bench.check()


def test_the_changes_counted_are_those_of_the_hand_over(small_toy, tmp_path):
    """The output is absent only if the stage is killed between the two renames."""
    bench = Bench(small_toy, tmp_path, "contrast.py")
    absent = 0
    bench.prepare()
    changes = int(kill_before(0, bench.script, bench.folder).split()[-1])
    files = sum(len(names) + 1 for _, _, names in os.walk(bench.earlier))
    for change in range(changes - files - 3, changes - files + 3):
        bench.prepare()
        kill_before(change, bench.script, bench.folder)
        absent += not bench.out.exists()
        bench.check()
    assert absent == 1


@pytest.mark.parametrize(
    "number, status", [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)]
)
@pytest.mark.parametrize("times", [1, slow(20)])
@pytest.mark.parametrize("bench", STAGES, indirect=True)
def test_stopped_at_random_moments(bench, times, number, status):
    """The stops come at random times. Ctrl-C gives one line."""
    start = time.monotonic()
    run(bench.script, cwd=bench.folder)
    lasts = time.monotonic() - start
    moments, stopped = random.Random(f"{bench.script} {number}"), 0
    while stopped < times:
        bench.prepare()
        command = [sys.executable, "-c", BEGINNING, str(ROOT / bench.script)]
        process = subprocess.Popen(command, cwd=bench.folder, stdout=-1, stderr=-1, text=True)
        assert process.stdout and process.stdout.read(1)
        moment = moments.uniform(0, lasts)
        time.sleep(moment)
        process.send_signal(number)
        said = process.communicate()[1]
        # Too late: the script was done, Python itself was exiting, or Python dropped the exception
        ended = (process.returncode, said) in [(0, ""), (-signal.SIGINT, "")]
        dropped = process.returncode == 0 and "Exception ignored" in said
        if (ended or dropped) and process.returncode != status:
            assert tree_hash(bench.out) == bench.new_hash
            lasts = moment
        else:
            # Python 3.14 itself reports a semaphore that kill -9 leaves
            if sys.version_info >= (3, 14) and "leaked semaphore" in said and status != 130:
                said = ""
            assert (process.returncode, said) == (status, "interrupted\n" * (status == 130))
            stopped += 1
        bench.check()


@pytest.mark.parametrize("times", [1, slow(20)])
@pytest.mark.parametrize("bench", STAGES, indirect=True)
def test_started_twice_at_once(bench, times):
    """One run wins and the other says so, or they run one after the other."""
    for _ in range(times):
        bench.prepare()
        command = [sys.executable, str(ROOT / bench.script)]
        both = [
            subprocess.Popen(command, cwd=bench.folder, stdout=-1, stderr=-1, text=True)
            for _ in range(2)
        ]
        said = [process.communicate()[1] for process in both]
        status = sorted(process.returncode for process in both)
        assert status in ([0, 0], [0, 1]), said
        if status == [0, 1]:
            assert max(said).count("\n") == 1 and "another run is writing it" in max(said)
        assert tree_hash(bench.out) == bench.new_hash
        bench.check()


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(8))
def test_training_killed_at_any_epoch_resumes(few, tmp_path, moment):
    """It is killed after any of 4 epochs, or while it reports. The log has every epoch once."""
    arguments = on_few(few, tmp_path / "model", 4)
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = tmp_path / ".model.resume/training_log.csv"
    # The first file of the report, and one near its end
    begun = {6: "labels.txt", 7: "metrics.json"}.get(moment)
    while process.poll() is None:
        if begun is None and log.exists() and len(pd.read_csv(log)) > moment % 4:
            break
        if begun and (tmp_path / ".model.new" / begun).exists():
            break
        time.sleep(0.005)
    time.sleep(random.Random(moment).uniform(0, 0.5) if moment > 3 else 0)
    process.kill()
    process.wait()
    finished = process.returncode == 0
    assert finished or not (tmp_path / "model").exists()
    said = run("train.py", *arguments, "--resume", cwd=tmp_path).stdout
    assert finished or "resuming after epoch" in said
    assert pd.read_csv(tmp_path / "model/training_log.csv")["epoch"].tolist() == [1, 2, 3, 4]
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(5))
def test_training_interrupted_says_one_line(few, tmp_path, moment):
    """Ctrl-C comes while libraries load, in the first epoch, in a later one, or in the report."""
    arguments = on_few(few, tmp_path / "model", 4)
    command = [sys.executable, "-c", BEGINNING, str(ROOT / "train.py"), *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    assert process.stdout and process.stdout.read(1)
    if moment > 1:
        until = (
            tmp_path
            / {2: ".model.resume", 3: ".model.new/labels.txt", 4: ".model.new/metrics.json"}[moment]
        )
        while process.poll() is None and not until.exists():
            time.sleep(0.005)
    time.sleep([0.2, 2, 0.1, 0.1, 0][moment])
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert (process.returncode, said) == (130, "interrupted\n")
    assert not (tmp_path / "model").exists() and set(os.listdir(tmp_path)) <= {".model.resume"}
    run("train.py", *arguments, "--resume", cwd=tmp_path)
    assert pd.read_csv(tmp_path / "model/training_log.csv")["epoch"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("seconds", [0, 0.03, 0.1, 0.2, 0.3])
def test_realtime_interrupted_as_it_starts(tmp_path, seconds):
    command = [
        sys.executable,
        "-c",
        BEGINNING,
        str(ROOT / "realtime.py"),
        "--source",
        "in.avi",
        "--headless",
    ]
    make_video(tmp_path / "in.avi", 200)
    process = subprocess.Popen(
        [*command, "--output", "out.mp4"], cwd=tmp_path, stdout=-1, stderr=-1, text=True
    )
    assert process.stdout and process.stdout.read(1)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130 and said in ("", "interrupted\n"), said
    assert set(os.listdir(tmp_path)) <= {"in.avi", "out.mp4"}


@pytest.mark.parametrize("times", [6, slow(50)])
def test_realtime_interrupted_when_it_takes_a_lock(tmp_path, times):
    """A signal at that moment can leave the lock behind, and then its thread waits for good."""
    make_video(tmp_path / "in.avi", 40)
    script = [str(ROOT / "realtime.py"), "--source", "in.avi", "--headless", "--output", "out.mp4"]

    def interrupted(at):
        command = [sys.executable, "-c", LOCKING, str(at), *script]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    locks = int(interrupted(0).stdout.split()[-1])
    assert locks > 40  # at least one for each frame
    for moment in range(times):
        done = interrupted(1 + moment * locks // times)
        assert done.returncode == 130 and done.stderr in ("", "interrupted\n"), done
        assert set(os.listdir(tmp_path)) <= {"in.avi", "out.mp4"}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
def test_sigterm_at_any_time_leaves_playable_video_and_whole_lines(tmp_path, suffix):
    make_video(tmp_path / "in.avi", 400)
    moments = random.Random(suffix)
    out, table = tmp_path / f"out{suffix}", tmp_path / "out.csv"
    recorded = 0
    for _ in range(20):
        command = [sys.executable, str(ROOT / "realtime.py"), "--source", "in.avi", "--headless"]
        command += ["--output", out.name, "--csv", table.name]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True)
        time.sleep(moments.uniform(0.05, 4))
        process.terminate()
        said = process.communicate()[1]
        assert (process.returncode, said) in [
            (130, ""),
            (130, "interrupted\n"),
            (-signal.SIGTERM, ""),
            (0, ""),
        ]
        assert sorted(set(os.listdir(tmp_path)) - {out.name, table.name}) == ["in.avi"]
        if table.exists():
            lines = table.read_text().split("\n")
            assert lines[-1] == "" and len({line.count(",") for line in lines[:-1]}) == 1
        if out.exists():
            video = cv2.VideoCapture(str(out))
            frames = 0
            while video.read()[0]:
                frames += 1
            assert frames == video.get(cv2.CAP_PROP_FRAME_COUNT) > 0
            recorded += 1
            out.unlink()
        table.unlink(missing_ok=True)
    assert recorded > 5
