"""Show the progress of a file on a terminal."""

import shutil
import time

from webcam.analysis.analyzer import Face
from webcam.outputs.sink import Sink
from webcam.sources.frame import Frame, Picture

EVERY = 0.2  # seconds between two updates
WIDTH = 20  # characters of a full bar


class Progress(Sink):
    """A progress bar on the last line of a terminal, which `close` clears."""

    def __init__(self, total: int | None, unit: str):
        super().__init__()
        self.total, self.unit, self.count = total, unit, 0
        self.began = self.shown = time.perf_counter()
        self.length = 0  # characters of the line

    def write(self, frame: Frame | Picture, faces: list[Face]) -> None:
        """Count a frame and update the bar."""
        self.count += 1
        now = time.perf_counter()
        if now - self.shown >= EVERY:
            self.shown = now
            self.show(self.line(now - self.began))

    def line(self, elapsed: float) -> str:
        """Return `[#####---------------] 123 of 492 frames, 12 s left`."""
        if not self.total or self.count > self.total:  # some files report too few frames
            return f"{self.count:,} {self.unit}s"
        left = (self.total - self.count) * elapsed / self.count
        minutes, seconds = divmod(round(left), 60)
        time_left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        full = WIDTH * self.count // self.total
        bar = f"[{'#' * full}{'-' * (WIDTH - full)}]"
        return f"{bar} {self.count:,} of {self.total:,} {self.unit}s, {time_left} left"

    def show(self, line: str) -> None:
        """Replace the last line. It must not wrap."""
        line = line[: shutil.get_terminal_size().columns - 1]
        print(f"\r{line.ljust(self.length)}", end="", flush=True)
        self.length = len(line)

    def close(self) -> None:
        """Clear the line."""
        if self.length:
            self.show("")
            print("\r", end="", flush=True)
