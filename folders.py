"""What the scripts share: the images of a folder, a new output folder, one way to fail.

A dataset folder holds one sub-folder per emotion, and images in those:

    data/split/train/
        anger/      row00010.png row00022.png ...
        happiness/  row00007.png ...
        stage.json  who made it, from what, and how many images went in and out

Nothing but the standard library is imported before it is needed (tqdm for the bar, Pillow to open a face), so that
`python contrast.py --help` answers at once, and `realtime.py` runs with only NumPy and OpenCV installed.
"""

import errno
import io
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

try:
    import fcntl
except ImportError:  # Windows: two runs into one folder at once are not noticed there
    fcntl = None

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}
FACE_SIZE = 48  # pixels: FER-2013's faces are 48x48


def fail(message: str) -> NoReturn:
    """Stop with one line on stderr and exit status 1: the file, what is wrong with it, what mends it."""
    raise SystemExit("error: " + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; what the system refuses, and Ctrl-C, become one line instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a name that the terminal can't show is no reason to fail
    try:
        try:
            main()
        finally:
            flush()
    except BrokenPipeError:  # what reads the output has had enough, as `head` does
        raise SystemExit(128 + 13) from None  # as if SIGPIPE, which Python ignores, had ended it
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}; mend that (room on the disk, permission, path) and run it again")


def flush() -> None:
    """Bring out what was printed, and let Python's own attempt as it ends not complain a second time."""
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what C libraries say (TensorFlow as it loads, libpng of a broken file) off stderr: an error is one line."""
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


def progress(items: Iterable, description: str, unit: str = " images") -> Iterable:
    """Yield `items` behind a progress bar on stderr, which shows on a terminal only."""
    from tqdm import tqdm

    return tqdm(items, desc=description, unit=unit, unit_scale=True, disable=None)


def list_images(folder: Path, made_by: str) -> dict[str, list[Path]]:
    """Return {emotion: sorted image paths}, emotions in alphabetical order, empty ones left out.

    Hidden files and files that are no images are ignored; symbolic links are followed. Fails when the folder is not
    there (naming `made_by`, the command that makes it), or holds no images or one emotion only.
    """
    if not folder.is_dir():
        fail(f"{folder}: no such folder; make it with `python {made_by}`")
    images = {}
    for emotion in sorted(_entries(folder), key=lambda entry: entry.name):
        if emotion.is_dir():
            entries = [entry for entry in _entries(Path(emotion)) if Path(entry).suffix.lower() in IMAGE_SUFFIXES]
            for entry in entries:
                if not entry.is_file():
                    fail(f"{entry.path}: named like an image, but no file; remove it")
            images[emotion.name] = [folder / emotion.name / name for name in sorted(entry.name for entry in entries)]
        elif not os.path.exists(emotion):
            fail(f"{emotion.path}: a link that leads nowhere; mend or remove it")
    images = {emotion: paths for emotion, paths in images.items() if paths}
    if not images:
        fail(f"{folder}: no images in its sub-folders; make it with `python {made_by}`")
    if len(images) == 1:
        fail(
            f"{folder}: only one emotion, {next(iter(images))!r}; a network needs two or more sub-folders to tell apart"
        )
    return images


def _entries(folder: Path) -> list[os.DirEntry]:
    return [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]


def open_face(path: Path, data: bytes | None = None):
    """Open one face as a PIL image, mode L, 48x48; fails by name when it is unreadable or anything else.

    `data` is the file's content where the caller has read it already.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # No other formats: some of Pillow's readers start other programs, and most have never met a broken file
            face = Image.open(io.BytesIO(path.read_bytes() if data is None else data), formats=["PNG", "JPEG", "BMP"])
            if (face.mode, *face.size) != ("L", FACE_SIZE, FACE_SIZE) or getattr(face, "n_frames", 1) > 1:
                what = f"{face.width}x{face.height}, mode {face.mode}, {getattr(face, 'n_frames', 1)} frame(s)"
                fail(f"{path}: {what}, not {FACE_SIZE}x{FACE_SIZE} 8-bit grayscale (mode L); convert or remove it")
            face.load()
    except UnidentifiedImageError:
        fail(f"{path}: not a readable image (no PNG, JPEG or BMP); make it again or remove it")
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.filename:  # not there, or no permission
            raise
        fail(f"{path}: not a readable image ({error}); make it again or remove it")
    return face


def copy_images(
    images: dict[str, list[Path]], out: Path, rename: Callable[[int, Path], str], enhance: Callable | None = None
) -> dict[str, int]:
    """Copy every face to `out/<emotion>/<rename(number, path)>`, numbers from 1; return images per emotion.

    `enhance` takes and returns a PIL image; without it the file is copied byte for byte. Stored, not deflated: on a
    disk of 4 KB blocks a deflated 48x48 face is no smaller, and writing it takes 1.4 times as long.
    """
    for emotion in images:
        (out / emotion).mkdir()
    faces = [
        (path, out / emotion / rename(number, path))
        for emotion, paths in images.items()
        for number, path in enumerate(paths, 1)
    ]
    taken = set()
    for path, target in progress(faces, "writing"):
        if target in taken:
            fail(f"{path}: its copy would have the name of another's, {target.name}; rename it")
        taken.add(target)
        data = path.read_bytes()
        face = open_face(path, data)
        if enhance is None:
            target.write_bytes(data)
        else:
            enhance(face).save(target, compress_level=0)
    return count(images)


def count(images: dict[str, list]) -> dict[str, int]:
    """Return {emotion: number of images}."""
    return {emotion: len(paths) for emotion, paths in images.items()}


def summary(counts: dict[str, int]) -> str:
    """Return `28,389 images: anger 3,014, contempt 200, ...`."""
    return f"{sum(counts.values()):,} images: " + ", ".join(f"{name} {n:,}" for name, n in counts.items())


@contextmanager
def new_folder(out: Path, script: str, sources: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield an empty folder beside `out`, and put it in the place of `out` when the block ends without an error.

    `out` is complete or absent at every moment: what a killed run has left is cleared, and an earlier output that it
    had already moved aside comes back. Fails when `out` was not made by `script`, touches one of the `sources`, or is
    being written by another run.
    """
    out = Path(os.path.realpath(out))
    refuse_strangers(out, script)
    for source in (Path(os.path.realpath(source)) for source in sources):
        if source == out or source in out.parents or out in source.parents:
            fail(f"{out}: inside, around or the same as the input {source}; choose another --out")
    missing = [folder for folder in out.parents if not folder.exists()]
    new, lock = out.with_name(f".{out.name}.new"), None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(new)
        _clear(new)
        old = recover(out)
        yield new
        refuse_strangers(out, script)  # what has come there meanwhile
        if out.exists():
            out.rename(old)
        new.rename(out)
    except BaseException as error:
        # A full disk does not say for which file, or names the one that was being copied
        if isinstance(error, OSError) and (error.filename is None or error.errno in (errno.ENOSPC, errno.EFBIG)):
            error.filename = str(out)
        if lock is not None:
            shutil.rmtree(new, ignore_errors=True)
            recover(out)
        for folder in missing:  # made above: gone again where nothing came of it
            with suppress(OSError):
                folder.rmdir()
        raise
    finally:
        if lock is not None and lock >= 0:
            os.close(lock)
    shutil.rmtree(old, ignore_errors=True)


def recover(out: Path) -> Path:
    """Put back an output that a killed run had moved aside, or clear it; return the place for the next to move to.

    Fails when something lies there that can't be cleared.
    """
    old = out.with_name(f".{out.name}.old")
    if old.is_dir() and not old.is_symlink() and not out.exists():
        old.rename(out)
    shutil.rmtree(old, ignore_errors=True)
    if os.path.lexists(old):
        fail(f"{old}: left by an earlier run, and can't be removed; remove it by hand")
    return old


def refuse_strangers(out: Path, script: str) -> None:
    """Fail when `out` exists and is not an output folder of `script`, told by its stage.json."""
    if not os.path.lexists(out):
        return
    try:
        if not (out / "stage.json").is_file():  # a named pipe would wait for ever
            raise ValueError
        maker = json.loads((out / "stage.json").read_text(encoding="utf-8"))["script"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        what = f"exists and was not made by {script} (no stage.json of its own)"
        fail(f"{out}: {what}; move it away or choose another --out")
    if maker != script:
        fail(f"{out}: was made by {str(maker)[:40]}, not by {script}; choose another --out")


def _lock(folder: Path) -> int:
    """Make `folder` and hold a lock on it, which the system drops when this process ends, however it ends.

    Returns the lock's file descriptor, -1 on Windows.

    Between the mkdir here and the lock, another run may finish and rename the folder away: the lock would then be on
    that run's output. So it only counts while the folder still goes by its name.
    """
    while True:
        if folder.is_symlink():
            fail(f"{folder}: a symbolic link where the output is to be made; remove it")
        folder.mkdir(exist_ok=True)
        if fcntl is None:
            return -1
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(folder)):
                return lock
        except BlockingIOError:
            fail(f"{folder}: another run is writing it; wait for that one to end")
        except FileNotFoundError:
            pass
        os.close(lock)


def _clear(folder: Path) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def write_stage(folder: Path, script: str, out: Path, arguments: dict, images_in: dict, images_out: dict) -> None:
    """Write `stage.json` into `folder`; paths among the arguments are kept relative to the folder that `out` is in.

    No time and no absolute path stands in it, so that the same input and seed give the same bytes anywhere.
    """
    home = Path(os.path.abspath(out)).parent

    def plain(value):
        if isinstance(value, Path):
            with suppress(ValueError):  # two drives of Windows
                value = Path(os.path.relpath(os.path.realpath(value), os.path.realpath(home)))
            return value.as_posix()
        return [plain(item) for item in value] if isinstance(value, list) else value

    arguments = {name: plain(value) for name, value in arguments.items() if name != "out"}
    seed = arguments.pop("seed", None)
    stage = {"script": script, "arguments": arguments, "seed": seed, "images_in": images_in, "images_out": images_out}
    (folder / "stage.json").write_text(json.dumps(stage, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
