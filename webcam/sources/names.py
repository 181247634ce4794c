"""Interpret the names of sources, pass them to OpenCV, and show them without secrets."""

import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from common.errors import fail


def is_camera(name: str) -> bool:
    """Return whether a source's name is a camera's number or device file."""
    return camera_number(name) is not None


def camera_number(name: str) -> int | None:
    """Return a camera's number: 1 for `1`, `/dev/video1`, or a link to that. Else return None."""
    if name.startswith("/dev/"):
        name = os.path.realpath(name).removeprefix("/dev/video")
    number = re.fullmatch("[0-9]{1,3}", name)
    return int(number[0]) if number else None


def to_path(name: str) -> str:
    """Return the path of a `file://` URL, or any other name unchanged."""
    return url2pathname(urlsplit(name).path) if name.startswith("file://") else name


def utf8_name(path: Path | str) -> str:
    """Return a path for OpenCV. Raises UserError if it is not UTF-8, since OpenCV would crash."""
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        fail(name, "the name is not UTF-8, which OpenCV needs", "rename it")
    return name


def codec_name(path: Path | str) -> str:
    """Return a picture's path for OpenCV's codecs. Raises UserError as `utf8_name` does.

    On Windows the codecs misread letters outside ASCII, so this returns the short name there, such
    as `C:\\Users\\JRGEN~1\\me.jpg`. Raises UserError if the disk keeps no short names.
    """
    name = utf8_name(path)
    if sys.platform == "win32" and not name.isascii():
        import ctypes

        buffer = ctypes.create_unicode_buffer(2**15)
        ctypes.windll.kernel32.GetShortPathNameW(name, buffer, len(buffer))
        if not buffer.value.isascii():
            fail(name, "has letters in its path that OpenCV can't read on Windows", "rename it")
        name = buffer.value or name  # empty for a missing file
    return name


def without_secrets(name: str) -> str:
    """Return an address without user, password and query. Return a file's name unchanged."""
    if os.path.exists(name) or re.match(r"[A-Za-z]:[\\/]", name):  # a Windows drive
        return name
    scheme, there, rest = name.partition("://")
    if not there:  # a misspelt address
        return re.sub(r"^(\w+:/*)?[^/@]*:[^@]*@", r"\1", name)
    # Cut up to the last @, since a password may contain a /
    return f"{scheme}://{re.split('[?#]', rest)[0].rpartition('@')[2]}"
