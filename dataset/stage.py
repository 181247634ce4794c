"""Write a stage's output folder as a whole or not at all, and record its origin in stage.json."""

import errno
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from common.errors import fail, first_line

try:
    import fcntl
except ImportError:  # on Windows, two runs into one folder at once go unnoticed
    fcntl = None  # type: ignore[assignment]


@contextmanager
def atomic_folder(out: Path, script: str, sources: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield an empty folder, which replaces `out` when the block ends without an error.

    The folder is `.NAME.new` beside `out`, so `out` is complete or absent at every moment. First
    removes the files of a killed run, and restores the output that it had moved aside. Raises
    UserError if `script` did not make `out`, if `out` overlaps one of the `sources`, or if another
    run is writing it.
    """
    out = Path(os.path.realpath(out))
    check_ownership(out, script)
    for source in (Path(os.path.realpath(source)) for source in sources):
        if source == out or source in out.parents or out in source.parents:
            fail(out, f"overlaps the input {source}", "choose another --out")
    missing = [folder for folder in out.parents if not folder.exists()]
    new, lock = out.with_name(f".{out.name}.new"), None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(new)
        _clear(new)
        old = recover(out)
        yield new
        check_ownership(out, script)  # someone may have created `out` meanwhile
        if out.exists():
            _rename(out, old)
        _rename(new, out)
    except BaseException as error:
        if isinstance(error, OSError):
            _name_file(error, out)
        if lock is not None:
            shutil.rmtree(new, ignore_errors=True)
            recover(out)
        for folder in missing:  # folders that mkdir made
            with suppress(OSError):
                folder.rmdir()
        raise
    finally:
        if lock is not None and lock >= 0:
            os.close(lock)
    shutil.rmtree(old, ignore_errors=True)


def _rename(folder: Path, to: Path) -> None:
    """Rename a folder. On Windows, a virus scanner may hold its files for a moment."""
    for _ in range(50 if sys.platform == "win32" else 0):
        with suppress(PermissionError):
            folder.rename(to)
            return
        time.sleep(0.1)
    folder.rename(to)


def _name_file(error: OSError, out: Path) -> None:
    """Set an error's file name to `out` if it has none, or if the disk is full.

    On a full disk, the error may name the file being copied.
    """
    if error.filename is None or error.errno in (errno.ENOSPC, errno.EFBIG):
        error.filename = str(out)


def recover(out: Path) -> Path:
    """Restore the output that a killed run had moved aside, or remove it if there is a newer one.

    Returns `.NAME.old`, the path for moving the output aside. Raises UserError if the old folder
    can't be removed.
    """
    old = out.with_name(f".{out.name}.old")
    if old.is_dir() and not old.is_symlink() and not out.exists():
        old.rename(out)
    shutil.rmtree(old, ignore_errors=True)
    if os.path.lexists(old):
        fail(old, "left by an earlier run, and can't be removed", "remove it by hand")
    return old


def check_ownership(out: Path, script: str) -> None:
    """Raise UserError if `out` exists and its stage.json does not name `script`."""
    if not os.path.lexists(out):
        return
    try:
        maker = read_stage(out)["script"]
    except ValueError:
        wrong = f"exists and was not made by {script} (no valid stage.json)"
        fail(out, wrong, "move it away or choose another --out")
    if maker != script:
        fail(out, f"was made by {str(maker)[:40]}, not by {script}", "choose another --out")


def read_stage(folder: Path) -> dict[str, Any]:
    """Return the contents of a folder's stage.json, which `write_stage` wrote.

    Raises ValueError if the file is missing or invalid.
    """
    path = folder / "stage.json"
    try:
        if not path.is_file():  # reading a named pipe would wait forever
            raise ValueError("no stage.json")
        stage = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(stage["script"], str) or not isinstance(stage["arguments"], dict):
            raise ValueError("stage.json names no script or no arguments")
    except (OSError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"stage.json can't be read ({first_line(error)})") from None
    return stage


def _lock(folder: Path) -> int:
    """Make `folder` and lock it until this process ends, even if it is killed.

    Returns the lock's file descriptor, or -1 on Windows, which has no such locks. Raises UserError
    if another run holds the lock. Between our mkdir and our lock, that run may rename the folder to
    its output. So a lock counts only if the folder still has its name.
    """
    while True:
        if folder.is_symlink():
            fail(folder, "a symbolic link where the output is written", "remove it")
        folder.mkdir(exist_ok=True)
        if fcntl is None:
            return -1
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(folder)):
                return lock
        except BlockingIOError:
            fail(folder, "another run is writing it", "wait until it finishes")
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.ENOLCK):  # some network disks have no locks
                raise
            os.close(lock)
            return -1
        os.close(lock)


def _clear(folder: Path) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def write_stage(
    folder: Path, script: str, out: Path, arguments: dict, images_in: dict, images_out: dict
) -> None:
    """Write `stage.json` into `folder`, which will become `out`.

    The same input and seed give the same bytes on any machine, because paths in the arguments
    become relative to the parent folder of `out`.
    """
    home = Path(os.path.abspath(out)).parent

    def plain(value):
        if isinstance(value, Path):
            with suppress(ValueError):  # the paths are on two Windows drives
                value = Path(os.path.relpath(os.path.realpath(value), os.path.realpath(home)))
            return value.as_posix()
        return [plain(item) for item in value] if isinstance(value, list) else value

    arguments = {name: plain(value) for name, value in arguments.items() if name != "out"}
    seed = arguments.pop("seed", None)
    stage = {"script": script, "arguments": arguments, "seed": seed}
    stage |= {"images_in": images_in, "images_out": images_out}
    text = json.dumps(stage, indent=2, ensure_ascii=False)
    (folder / "stage.json").write_text(text + "\n", encoding="utf-8", newline="\n")
