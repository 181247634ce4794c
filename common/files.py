"""Files that a user gives: whether one is there, and of a size that can be read; the network that comes along."""

from pathlib import Path

from common.errors import fail

PRETRAINED = Path(__file__).resolve().parents[1] / "pretrained"  # a model folder
LARGEST_NETWORK = 2**28  # bytes of a network's file; those of this project have 5 million
LARGEST_TEXT = 2**20  # bytes of labels.txt and metrics.json


def require_file(path: Path, largest: int, mend: str) -> None:
    """Raise UserError unless `path` is a file of at most `largest` bytes."""
    if not path.is_file():
        fail(path, "no such file", mend)
    if path.stat().st_size > largest:
        fail(path, f"larger than {largest:,} bytes", mend)
