"""A CSV as it was downloaded: itself, or in a .zip or .tar.gz, which is read without unpacking."""

import contextlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from common.errors import fail

ENDINGS = (".zip", ".tar.gz", ".tgz", ".tar")


@contextlib.contextmanager
def open_csv(path: Path, names: list[str]) -> Iterator[IO[bytes]]:
    """Open a CSV, or an archive's CSV: one of these `names`, or its only one.

    An archive may contain another. Raises UserError if it has no such CSV or can't be read.
    """
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(path.open("rb"))
        try:
            while (inner := open_inner(file, path, names, stack)) is not None:
                file = inner
            yield file
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError) as error:
            fail(path, f"not an archive that can be read ({error})", "download it again")


def open_inner(
    file: IO[bytes], path: Path, names: list[str], stack: contextlib.ExitStack
) -> IO[bytes] | None:
    """Return the wanted file of an archive, or None if `file` is no archive; `stack` closes it."""
    if zipfile.is_zipfile(file):
        archive = stack.enter_context(zipfile.ZipFile(file))
        return stack.enter_context(archive.open(choose_member(archive.namelist(), path, names)))
    file.seek(0)
    try:
        tar = stack.enter_context(tarfile.open(fileobj=file))  # noqa: SIM115
    except tarfile.ReadError:
        file.seek(0)
        return None
    members = [member.name for member in tar.getmembers() if member.isfile()]
    chosen = tar.extractfile(choose_member(members, path, names))
    assert chosen is not None  # it is a file
    return stack.enter_context(chosen)


def choose_member(members: list[str], path: Path, names: list[str]) -> str:
    """Return the name of the wanted CSV in an archive, or of an archive inside it."""
    members = [name for name in members if not name.startswith("__MACOSX/")]
    by_name = {PurePosixPath(name).name: name for name in members}
    for name in names:
        if name in by_name:
            return by_name[name]
    tables = [name for name in members if name.lower().endswith(".csv")]
    inner = [name for name in members if name.lower().endswith(ENDINGS)]
    for found in (tables, inner):
        if len(found) == 1:
            return found[0]
    fail(path, f"holds no {' or '.join(names)}", "unpack it, and give the CSV itself")
