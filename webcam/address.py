"""What lies at an http address, and what of an address may be shown."""

import re
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from urllib.request import (
    HTTPBasicAuthHandler,
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    build_opener,
)

from common.errors import fail, first_line

TIMEOUT = 10  # seconds that a server has to answer in
LARGEST_PICTURE = 2**28  # bytes
# Media types of files, which end, though a server may not know where
FILE_TYPES = {"video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "video/x-msvideo"}
PROBLEMS = (OSError, ValueError, HTTPException)  # of a server, a network, an address


@dataclass(frozen=True)
class Resource:
    """What a server says of an address."""

    media_type: str  # such as image/jpeg
    ends: bool  # a file, no live stream

    @property
    def is_picture(self) -> bool:
        return self.media_type.startswith("image/")


def without_secrets(name: str) -> str:
    """Return an address without user, password and query, and any other name as it is."""
    scheme, there, rest = name.partition("://")
    if not there:
        return name
    # Up to the last @ before the path; a password may hold a / that should be written %2F
    rest = re.sub(r"^([^/]*@|[^/@:]*:[^/@]*[^\d/@][^@]*@)", "", rest)
    return f"{scheme}://{re.split('[?#]', rest)[0]}"


def look_up(address: str) -> Resource | None:
    """Return what lies at an http address, None where no answer comes or it is of another kind."""
    if not address.startswith(("http://", "https://")):
        return None
    try:
        with _request(address) as reply:
            media_type = reply.headers.get_content_type()
            sized = "Content-Length" in reply.headers and not media_type.startswith("multipart/")
            return Resource(media_type, sized or media_type in FILE_TYPES)
    except PROBLEMS:
        return None


def fetch(address: str, folder: Path) -> Path:
    """Return the path of a copy of the picture at an http address, made in `folder`.

    Raises UserError when it can't be fetched.
    """
    name = PurePosixPath(unquote(urlsplit(address).path)).name or "picture"
    try:
        with _request(address) as reply:
            data = reply.read(LARGEST_PICTURE)
    except PROBLEMS as error:
        fail(f"{without_secrets(address)}: can't be fetched ({first_line(error)}); try it again")
    path = folder / re.sub(r"[^\w.-]", "_", name)
    path.write_bytes(data)
    return path


def _request(address: str):
    """Return the reply of a server, its body still to be read. Raises one of PROBLEMS."""
    parts = urlsplit(address)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    passwords = HTTPPasswordMgrWithDefaultRealm()
    if parts.username:
        passwords.add_password(None, bare, unquote(parts.username), unquote(parts.password or ""))
    opener = build_opener(HTTPBasicAuthHandler(passwords), HTTPDigestAuthHandler(passwords))
    return opener.open(bare, timeout=TIMEOUT)
