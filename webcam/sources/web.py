"""Look up an http address, and fetch the picture there."""

import re
import ssl
import time
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib import request
from urllib.parse import unquote, urlsplit

from common.errors import fail, first_line
from webcam.sources.names import without_secrets

TIMEOUT = 10  # seconds in which a server must answer
MAX_SECONDS = 60  # for the whole picture: a server may send only a byte a second
MAX_PICTURE_BYTES = 2**28  # a server may send data forever
LIVE_TYPE = "mpegurl|dash|multipart|motion-jpeg|mjpeg"
PLAYLIST = r"\.(m3u8?|mpd)([?#]|$)"
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")  # first bytes of picture files
PROBLEMS = (OSError, ValueError, HTTPException)  # errors of a server, a network or an address


@dataclass(frozen=True)
class Resource:
    """A server's information about an address. The defaults mean that no server answered."""

    is_picture: bool = False
    ends: bool = False  # whether it is a file and not a live stream


def look_up(address: str) -> Resource:
    """Return whether an http address is a picture, a file or a live stream.

    Anything except a playlist or a stream of JPEGs counts as a file and is read once, in order.
    Other live streams work that way too. Raises UserError if the server's certificate can't be
    trusted.
    """
    if not address.startswith(("http://", "https://")):
        return Resource()
    try:
        with _request(address) as reply:
            media_type, start = reply.headers.get_content_type(), reply.read(12)
    except PROBLEMS as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            wrong = f"its certificate is not trusted ({reason.verify_message})"
            mend = "set SSL_CERT_FILE to the certificate of its authority"
            fail(without_secrets(address), wrong, mend)
        return Resource()
    live = re.search(LIVE_TYPE, media_type) or re.search(PLAYLIST, address)
    unnamed = media_type == "application/octet-stream"
    known = start.startswith(PICTURES) or start[8:] == b"WEBP"
    return Resource(media_type.startswith("image/") or (unnamed and known), not live)


def fetch(address: str, folder: Path) -> Path:
    """Download the picture at an http address into `folder`; return its path.

    Raises UserError if it can't be fetched.
    """
    name = PurePosixPath(unquote(urlsplit(address).path)).name or "picture"
    try:
        with _request(address) as reply:
            data = _read(reply)
    except PROBLEMS as error:
        fail(without_secrets(address), f"can't be downloaded ({first_line(error)})", "try again")
    if len(data) > MAX_PICTURE_BYTES:
        wrong = f"larger than {MAX_PICTURE_BYTES:,} bytes"
        fail(without_secrets(address), wrong, "download it yourself")
    path = folder / re.sub(r"[^\w.-]", "_", name)
    path.write_bytes(data)
    return path


def _read(reply) -> bytes:
    """Return a reply's body, cut off soon after MAX_PICTURE_BYTES. Raises TimeoutError."""
    data, end = bytearray(), time.perf_counter() + MAX_SECONDS
    while len(data) <= MAX_PICTURE_BYTES and (more := reply.read1(2**20)):
        data += more
        if time.perf_counter() > end:
            raise TimeoutError(f"incomplete after {MAX_SECONDS} seconds")
    return bytes(data)


def _request(address: str):
    """Return a server's reply with the body still unread. Raises one of PROBLEMS."""
    parts = urlsplit(address)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    passwords = request.HTTPPasswordMgrWithDefaultRealm()
    if parts.username:
        passwords.add_password(None, bare, unquote(parts.username), unquote(parts.password or ""))
    ways = request.HTTPBasicAuthHandler(passwords), request.HTTPDigestAuthHandler(passwords)
    return request.build_opener(*ways).open(bare, timeout=TIMEOUT)
