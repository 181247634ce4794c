"""Names of sources: their meaning, as OpenCV takes them, and as they may be shown."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from common.errors import fail


def is_camera(name: str) -> bool:
    """Return whether a source's name is the number of a camera, or its device file."""
    return camera_number(name) is not None


def camera_number(name: str) -> int | None:
    """Return the number of a camera: 1 for `1`, for `/dev/video1`, and for a link to that."""
    if name.startswith("/dev/"):
        name = os.path.realpath(name).removeprefix("/dev/video")
    number = re.fullmatch("[0-9]{1,3}", name)
    return int(number[0]) if number else None


def to_path(name: str) -> str:
    """Return the path of a `file://` URL; any other name as it is."""
    return url2pathname(urlsplit(name).path) if name.startswith("file://") else name


def utf8_name(path: Path | str) -> str:
    """Return a path as OpenCV takes it. Raises UserError unless it is UTF-8: OpenCV would crash."""
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        fail(name, "not a name in UTF-8, as OpenCV needs it", "rename it")
    return name


def without_secrets(name: str) -> str:
    """Return an address without user, password and query, and the name of a file as it is."""
    if os.path.exists(name) or re.match(r"[A-Za-z]:[\\/]", name):  # a drive of Windows
        return name
    scheme, there, rest = name.partition("://")
    if not there:  # misspelt
        return re.sub(r"^(\w+:/*)?[^/@]*:[^@]*@", r"\1", name)
    # Up to the last @, since a password may hold a /
    return f"{scheme}://{re.split('[?#]', rest)[0].rpartition('@')[2]}"
