"""Headers of PNG and TIFF files that promise more than the file holds.

OpenCV takes the memory for a PNG's chunk or frames before it checks that they are there. It does not
say that the last pages of a TIFF are missing.
"""

import struct
from pathlib import Path
from typing import BinaryIO

PNG = b"\x89PNG\r\n\x1a\n"
AROUND = 12  # bytes of a PNG's chunk: its length, kind and checksum
# By a TIFF's first bytes: the format of an offset, that of a number of entries, bytes of an entry
TIFF = {
    b"II*\0": ("<I", "<H", 12),
    b"MM\0*": (">I", ">H", 12),
    b"II+\0": ("<Q", "<Q", 20),
    b"MM\0+": (">Q", ">Q", 20),
}


def is_whole(file: Path) -> bool:
    """Return whether a PNG or TIFF holds what its headers promise; True for other files.

    False for one that can't be opened.
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(len(PNG))
            if start == PNG:
                return png_is_whole(opened, file.stat().st_size - len(PNG))
            if start[:4] in TIFF:
                return tiff_is_whole(opened, *TIFF[start[:4]])
    except OSError:  # no permission
        return False
    return True


def png_is_whole(png: BinaryIO, left: int) -> bool:
    """Return whether `left` bytes hold a PNG's chunks, and these all frames of an animation."""
    frames = promised = 0
    while left >= AROUND:
        length, kind = struct.unpack(">I4s", png.read(8))
        left -= length + AROUND
        if left < 0 or kind == b"IEND":
            break
        if kind == b"acTL":  # of an animation
            promised, length = int.from_bytes(png.read(4), "big"), length - 4
        frames += kind == b"fcTL"
        png.seek(length + 4, 1)
    return left >= 0 and promised in (0, frames)


def tiff_is_whole(tiff: BinaryIO, offset_format: str, count_format: str, entry: int) -> bool:
    """Return whether each page of a TIFF leads to a new one or says that it is the last."""
    seen: set[int] = set()
    tiff.seek(8 if entry == 20 else 4)
    try:
        while offset := unpack(tiff, offset_format):
            if offset in seen:
                return False
            seen.add(offset)
            tiff.seek(offset)
            tiff.seek(entry * unpack(tiff, count_format), 1)
    except (struct.error, OverflowError, ValueError, OSError):  # beyond the end
        return False
    return True


def unpack(file: BinaryIO, form: str) -> int:
    """Return the next number of a file. Raises struct.error at its end."""
    (number,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return number
