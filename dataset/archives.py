"""Read a downloaded CSV, either plain or inside a .zip or .tar.gz, without unpacking to disk."""

import contextlib
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from common.errors import fail, first_line

MAX_FILES = 5  # two nested archives, each also unpacked, and the CSV inside
MAX_LINE = 2**24  # bytes; the line of a face has 9,000
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # includes NotImplementedError
)
ENDINGS = (".zip", ".tar.gz", ".tgz", ".tar")


class LimitedLines(io.RawIOBase):
    """A wrapper for a file that raises ValueError for a line of more than MAX_LINE bytes."""

    def __init__(self, file: IO[bytes]):
        self.file, self.length = file, 0  # bytes of the current line so far

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self.file.read(len(buffer))
        end = data.rfind(b"\n")
        self.length = len(data) - end - 1 if end >= 0 else self.length + len(data)
        if self.length > MAX_LINE:
            raise ValueError(f"a line of more than {MAX_LINE:,} bytes")
        buffer[: len(data)] = data
        return len(data)


@contextlib.contextmanager
def open_csv(path: Path, names: list[str]) -> Iterator[IO[bytes]]:
    """Open a CSV, or the CSV in an archive: one named in `names`, or the only one.

    An archive may contain another archive. Raises UserError if there is no such CSV, or if the
    archive is damaged. A wrong checksum may show only when the block ends.
    """
    with contextlib.ExitStack() as stack:
        files: list[IO[bytes]] = [stack.enter_context(path.open("rb"))]
        try:
            while (inner := open_inner(files[-1], path, names, stack)) is not None:
                files += inner
                if len(files) > MAX_FILES:
                    fail(path, "an archive in an archive in an archive", "unpack it")
            yield io.BufferedReader(LimitedLines(files[-1]))
            for file in files[1:]:
                while file.read(2**20):
                    pass
        except DAMAGE as error:
            fail(path, f"a damaged archive ({first_line(error)})", "download it again")


def open_inner(
    file: IO[bytes], path: Path, names: list[str], stack: contextlib.ExitStack
) -> list[IO[bytes]] | None:
    """Return the unpacked archive and the wanted file in it, or None if `file` is not an archive.

    `stack` closes both.
    """
    if zipfile.is_zipfile(file):
        archive = stack.enter_context(zipfile.ZipFile(file))
        found = archive.open(choose_member(archive.namelist(), path, names))
        return [file, stack.enter_context(found)]
    file.seek(0)
    try:
        tar = stack.enter_context(tarfile.open(fileobj=file))  # noqa: SIM115
    except tarfile.ReadError:
        file.seek(0)
        return None
    members = [member.name for member in tar.getmembers() if member.isfile()]
    chosen = tar.extractfile(choose_member(members, path, names))
    assert chosen is not None and tar.fileobj is not None  # `members` holds only files
    return [tar.fileobj, stack.enter_context(chosen)]  # type: ignore[list-item]


def choose_member(members: list[str], path: Path, names: list[str]) -> str:
    """Return the name of the wanted CSV in an archive, or of an inner archive."""
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
    fail(path, f"contains no {' or '.join(names)}", "unpack it and give the CSV itself")
