"""What the tests share.

The scripts run as a user runs them, and the whole pipeline on the toy CSV, made once.
"""

import csv
import hashlib
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# The same examples every time; `--hypothesis-profile=long` draws others, and fifty times as many
PROFILE = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("same", derandomize=True, max_examples=100, **PROFILE)
settings.register_profile("long", max_examples=5000, **PROFILE)
settings.load_profile("same")

# A shell that starts pytest with `&` or nohup has these ignored, and every process that a test
# starts would inherit it
for name in {"SIGINT", "SIGHUP"} & set(dir(signal)):
    if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.fixture(autouse=True)
def environment():
    """Undo what JAX sets when Keras imports it into the tests' own process: how much TensorFlow says."""
    os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)


PICTURE = ROOT / "samples/astronaut.jpg"
OUTPUTS = {  # of the data stages, below data/
    "data_preprocessing.py": "faces",
    "random_split.py": "split",
    "contrast.py": "contrast",
    "sharpness.py": "sharpness",
    "random_shuffle.py": "shuffled",
}
DATA_STAGES = list(OUTPUTS)


needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")


def slow(*case):
    """Return a case of a parametrized test that the normal run leaves out."""
    return pytest.param(*case, marks=pytest.mark.slow)


def run(script, *arguments, cwd, check=True, wrap=(), **options):
    """Run a script, behind the command `wrap`, in the folder `cwd`.

    Return the finished process, its output as text.
    """
    command = [*wrap, sys.executable, str(ROOT / script), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280, **options)
    assert not check or done.returncode == 0, f"{script}: {done.stderr}"
    return done


def fails(script, *arguments, cwd, says, **options):
    """Assert that a script stops with status 1 and one line on stderr, which holds every text of
    `says`.
    """
    done = run(script, *arguments, cwd=cwd, check=False, **options)
    assert done.returncode == 1, f"status {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: "), done.stderr
    for text in [says] if isinstance(says, str) else says:
        assert text in done.stderr, done.stderr
    return done.stderr


def peak_memory(script, *arguments, cwd):
    """Run a script; return its status, what it said on stderr, and the most memory it held, in
    bytes.
    """
    # By a small process between: of a child the system counts what its parent held before the exec
    # too
    code = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
sys.stderr.buffer.write(done.stderr)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    command = [sys.executable, "-c", code, sys.executable, str(ROOT / script), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280)
    status, most = map(int, done.stdout.split())
    return status, done.stderr, most * (1 if sys.platform == "darwin" else 1024)


def tree_hash(folder):
    """Return one digest of every path below a folder and every file's bytes."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        digest.update(os.fsencode(path.relative_to(folder)) + b"\0")
        digest.update(path.read_bytes() if path.is_file() else b"folder")
    return digest.hexdigest()


def images_in(folder):
    """Return {path below the folder: path} of the PNGs in it."""
    return {
        path.relative_to(folder).as_posix(): path for path in sorted(Path(folder).glob("*/*.png"))
    }


def make_video(path, frames=12):
    """Write a video of the sample face, every other frame mirrored, as MJPG, which OpenCV reads."""
    face = cv2.imread(str(ROOT / "samples" / "astronaut.jpg"))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (480, 360))
    small = cv2.resize(face[:450], (480, 360))
    for number in range(frames):
        writer.write(small[:, ::-1] if number % 2 else small)
    writer.release()
    return path


def rows_of(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def frames_of(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1])
    return frames


def start(*arguments, cwd):
    command = [sys.executable, str(ROOT / "realtime.py"), *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_rows(path, count):
    for _ in range(600):
        if path.is_file() and path.read_text().count("\n") > count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path}: no {count} rows within 30 s")


@pytest.fixture(scope="session")
def photo():
    return cv2.imread(str(PICTURE))


@pytest.fixture(scope="session")
def detector():
    """The real detector; it keeps nothing from frame to frame."""
    from webcam.detection.haar import HaarDetector  # ROOT is on the path only now

    return HaarDetector()


class Stream(http.server.BaseHTTPRequestHandler):
    """A camera that sends JPEGs of the sample picture over HTTP.

    `count` of them, then nothing more.
    """

    count, pause = 10**9, 0.02

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        small = cv2.resize(cv2.imread(str(ROOT / "samples" / "astronaut.jpg")), (320, 320))
        try:
            for number in range(self.count):
                small[:20] = number % 256  # tells a frame's age
                data = cv2.imencode(".jpg", small)[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
                time.sleep(self.pause)
            time.sleep(60)
        except OSError:  # the reader has gone
            pass


@pytest.fixture
def stream(request):
    handler = type("Handler", (Stream,), getattr(request, "param", {}))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/camera.mjpg"
    server.shutdown()


def make_toy(folder, rows):
    """Write the toy CSV of so many rows into a folder, and run the five data stages there."""
    run("samples/make_toy_csv.py", "--rows", rows, cwd=folder)
    for script in DATA_STAGES:
        run(script, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A folder with data/ as the toy CSV and the five data stages leave it.

    Tests read it and change nothing.
    """
    return make_toy(tmp_path_factory.mktemp("toy"), 500)


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


def on_few(few, out, epochs):
    """Return the arguments of train.py for a training on `few` into a model folder `out`."""
    arguments = ["--train", few / "train", "--val", few / "val", "--out", out, "--epochs", epochs]
    return [str(argument) for argument in arguments]


@pytest.fixture(scope="session")
def trained(toy):
    """The same folder after `train.py`, which adds data/model."""
    run("train.py", "--epochs", 2, "--batch-size", 32, cwd=toy)
    return toy


@pytest.fixture
def source(tmp_path):
    """A small dataset folder, faces/, with two emotions of three faces."""
    for emotion in ("anger", "happiness"):
        (tmp_path / "faces" / emotion).mkdir(parents=True)
        for number in range(3):
            face = Image.effect_noise((48, 48), 60 + number)
            face.save(tmp_path / "faces" / emotion / f"row{number:05}.png")
    return tmp_path / "faces"
