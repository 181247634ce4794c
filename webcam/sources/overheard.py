"""What OpenCV's libraries print, some of which tell of a failure in no other way."""

import os
import tempfile
from io import FileIO


class Overheard:
    """What C libraries print while it is open: not on stderr, but there to be read.

    Some tell of a failure in no other way. As with `quiet`, it is the whole process's stderr.
    """

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
        """Return what was printed since the last call; nothing while it is not open."""
        # The place is shared with stderr, so this is how much was printed: mostly nothing
        file = self.file
        if file is None or not file.tell():
            return ""
        file.seek(0)
        said = file.read().decode(errors="replace")
        file.seek(0)
        file.truncate()
        return said
