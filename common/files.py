"""Check that a user's file exists and is not too large, and locate the pretrained network."""

from pathlib import Path

from common.errors import fail

PRETRAINED = Path(__file__).resolve().parents[1] / "pretrained"  # a model folder
LARGEST_NETWORK = 2**28  # bytes in a network file; this project's files have 5 million
LARGEST_TEXT = 2**20  # bytes in labels.txt or metrics.json


def require_file(path: Path, largest: int, mend: str) -> None:
    """Raise UserError unless `path` is a file of at most `largest` bytes."""
    if not path.is_file():
        fail(path, "no such file", mend)
    if path.stat().st_size > largest:
        fail(path, f"larger than {largest:,} bytes", mend)
