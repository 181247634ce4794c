"""Check that PNG and TIFF files hold all the data that their headers promise.

OpenCV allocates memory for a PNG's chunks or frames before it checks that the file holds them. It
does not report missing pages at the end of a TIFF.
"""

import struct
from pathlib import Path
from typing import BinaryIO

PNG = b"\x89PNG\r\n\x1a\n"
AROUND = 12  # bytes that a PNG chunk adds to its data: length, kind and checksum
# By a TIFF's first bytes: the formats of an offset and of an entry count, and bytes per entry
TIFF = {
    b"II*\0": ("<I", "<H", 12),
    b"MM\0*": (">I", ">H", 12),
    b"II+\0": ("<Q", "<Q", 20),
    b"MM\0+": (">Q", ">Q", 20),
}


def is_whole(file: Path) -> bool:
    """Return whether a PNG or TIFF holds all the data that its headers promise.

    Return True for other formats, and False for a file that can't be opened.
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
    """Return whether `left` bytes hold all chunks of a PNG and all frames of an animated one."""
    frames = promised = 0
    while left >= AROUND:
        length, kind = struct.unpack(">I4s", png.read(8))
        left -= length + AROUND
        if left < 0 or kind == b"IEND":
            break
        if kind == b"acTL":  # the file is an animation
            promised, length = int.from_bytes(png.read(4), "big"), length - 4
        frames += kind == b"fcTL"
        png.seek(length + 4, 1)
    return left >= 0 and promised in (0, frames)


def tiff_is_whole(tiff: BinaryIO, offset_format: str, count_format: str, entry: int) -> bool:
    """Return whether each page of a TIFF points to a new page or is marked as the last."""
    seen: set[int] = set()
    tiff.seek(8 if entry == 20 else 4)
    try:
        while offset := unpack(tiff, offset_format):
            if offset in seen:
                return False
            seen.add(offset)
            tiff.seek(offset)
            tiff.seek(entry * unpack(tiff, count_format), 1)
    except (struct.error, OverflowError, ValueError, OSError):  # an offset beyond the end
        return False
    return True


def unpack(file: BinaryIO, form: str) -> int:
    """Read the next number from a file. Raises struct.error at the end."""
    (number,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return number
