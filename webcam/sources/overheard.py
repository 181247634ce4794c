"""Collect the messages of OpenCV's libraries, since they report some failures in no other way."""

import os
import tempfile
from io import FileIO


class Overheard:
    """Captures the stderr of the whole process, including C libraries, while it is open."""

    def __init__(self) -> None:
        self.file: FileIO | None = None

    def __enter__(self) -> "Overheard":
        self.stderr, self.file = os.dup(2), tempfile.TemporaryFile(buffering=0)
        os.dup2(self.file.fileno(), 2)
        return self

    def __exit__(self, *error: object) -> None:
        os.dup2(self.stderr, 2)
        os.close(self.stderr)
        if self.file:
            self.file.close()
        self.file = None

    def take(self) -> str:
        """Return the text printed since the last call, or "" if it is not open."""
        file = self.file
        if file is None or not file.tell():  # stderr moves this position too
            return ""
        file.seek(0)
        said = file.read().decode(errors="replace")
        file.seek(0)
        file.truncate()
        return said
