"""The server of the page: access to it, and the messages in both directions.

    GET  /?key=KEY      the page
    GET  /static/FILE   its parts
    GET  /socket        a WebSocket. To the browser: a JSON message for each frame (docs/page.md), after
                        the frame itself as JPEG. From the browser: keys as text, and frames of its
                        camera as JPEG

Every request needs the key, which the page keeps in a cookie. Its Host must name this machine, and its
Origin this server.
"""

import asyncio
import contextlib
import errno
import hmac
import ipaddress
import json
import logging
import os
import queue
import secrets
import socket
import time
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from aiohttp import WSMsgType, web

from common.errors import fail
from common.stopping import start_thread

STATIC = Path(__file__).parent / "static"
MOST_BYTES = 2**20  # of a message from the browser
MOST_KEYS = 100  # keys that may wait
MOST_CONNECTIONS = 64
STRANGER_SECONDS = 10.0  # after which a connection without the key is closed
MOST_SIDE = 1280  # pixels of a frame that is sent
QUALITY = 80  # of the JPEGs
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Message:
    """A frame and its description. `image` is the frame in BGR, or None.

    The image is encoded once, and only if it is sent. Nobody else may change it.
    """

    def __init__(self, frame: object, image: np.ndarray | None, described: dict[str, Any]):
        self.frame, self.image, self.described = frame, image, described

    @cached_property
    def jpeg(self) -> bytes:
        """The frame, at most MOST_SIDE pixels wide and high."""
        assert self.image is not None
        height, width = self.image.shape[:2]
        scale = min(1, MOST_SIDE / max(height, width))
        size = max(1, round(scale * width)), max(1, round(scale * height))
        image = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()

    @cached_property
    def text(self) -> str:
        """The description as JSON."""
        return json.dumps(self.described)


class Client:
    """An open page. It gets only the newest message, so a slow page does not fall further behind.

    Network buffers could still hold many messages. A page that answers each message with `ok`
    therefore gets the next message only after its answer.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.frames = 0  # frames of its camera so far
        self.newest: Message | None = None
        self.ready, self.free = asyncio.Event(), asyncio.Event()
        self.free.set()
        self.paced = False

    def offer(self, message: Message) -> None:
        self.newest = message
        self.ready.set()


class Server:
    """Serves the page in its own thread. `setup` is the first message to each page.

    `publish`, `press` and `close` may be called from any thread. Raises UserError if the address is
    not available.
    """

    def __init__(self, host: str, port: int, setup: dict[str, Any]):
        if not host:
            fail("--host", "no address", "give one, such as 0.0.0.0")
        self.host, self.port, self.setup = host, port, setup
        self.address = ""  # the numeric address that it listens at
        name = socket.gethostname()
        self.names = {known.lower() for known in ("localhost", host, name, f"{name}.local")}
        self.key = secrets.token_urlsafe(16)
        # A SimpleQueue waits in C, where a signal breaks nothing. A Queue does not
        self.keys: queue.SimpleQueue[str] = queue.SimpleQueue()  # pressed on pages
        # The newest frame of the browser's camera: its time of arrival, its number, the JPEG
        self.pictures: queue.SimpleQueue[tuple[float, int, bytes]] = queue.SimpleQueue()
        self.clients: set[Client] = set()
        self.known: set[web.RequestHandler] = set()  # new connections that have shown the key
        self.opened = 0  # pages so far
        self.sender: int | None = None  # the number of the page whose camera is used
        self.loop = asyncio.new_event_loop()
        self.started: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self.thread = start_thread(self._run)
        if error := self.started.get():
            where = f"{host}:{port}" if port else host
            wrong = f"can't serve the page here ({explain(error)})"
            fail(where, wrong, "choose another --page or --host")

    def publish(self, message: Message) -> None:
        """Send a message to all pages."""
        self.loop.call_soon_threadsafe(self._offer, message)

    def _offer(self, message: Message) -> None:
        for client in self.clients:
            client.offer(message)

    def press(self, key: str) -> None:
        """Queue a pressed key, unless too many keys wait. Always queue `q`."""
        if key == "q" or self.keys.qsize() < MOST_KEYS:
            self.keys.put(key)

    def close(self) -> None:
        """End the server. Open pages say so."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(2)

    def _run(self) -> None:
        # Strangers send malformed requests, and aiohttp would print them
        logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
        asyncio.set_event_loop(self.loop)
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._page)
        app.router.add_get("/socket", self._socket)
        app.router.add_static("/static", STATIC)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        try:
            listening = self.loop.run_until_complete(self._listen(runner))
        except (OSError, ValueError) as error:
            self.started.put(error)
        else:
            self.address, self.port = listening.sockets[0].getsockname()[:2]
            self.started.put(None)
            self.loop.run_forever()
            listening.close()
        self.loop.run_until_complete(runner.cleanup())
        self.loop.close()

    async def _listen(self, runner: web.AppRunner) -> asyncio.Server:
        """Listen at the address. Few connections are kept, and none for long without the key."""
        await runner.setup()
        server = runner.server
        assert server

        def accept() -> asyncio.Protocol:
            if len(server.connections) >= MOST_CONNECTIONS:
                return Refusal()
            connection = server()
            self.loop.call_later(STRANGER_SECONDS, self._end_stranger, connection)
            return connection

        return await self.loop.create_server(accept, self.host, self.port)

    def _end_stranger(self, connection: web.RequestHandler) -> None:
        """Close a connection that has not shown the key."""
        if connection not in self.known:
            connection.close()
            if connection.transport:
                connection.transport.abort()
        self.known.discard(connection)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Allow requests with the key, under a name of this machine, from a page of this server."""
        given = request.query.get("key") or request.cookies.get(self._cookie, "")
        known = hmac.compare_digest(given.encode("utf-8", "replace"), self.key.encode())
        _, _, origin = request.headers.get("Origin", f"//{request.host}").rpartition("//")
        if not (known and self._is_ours(request.host) and origin == request.host):
            raise web.HTTPForbidden(text="open the address that realtime.py printed")
        self.known.add(request.protocol)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    @property
    def _cookie(self) -> str:
        return f"key-{self.port}"  # browsers share cookies among the ports of a machine

    def _is_ours(self, host: str) -> bool:
        """Return whether a Host header names this machine by a number or one of its names.

        Anyone can point a domain at this machine, but nobody can do so with a number. The port may
        differ, because of `ssh -L` or a container.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self.names or bool(ipaddress.ip_address(name))
        except ValueError:
            return False

    async def _page(self, request: web.Request) -> web.StreamResponse:
        response = web.FileResponse(STATIC / "index.html")
        response.set_cookie(self._cookie, self.key, httponly=True, samesite="Strict")
        return response

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        opened = web.WebSocketResponse(max_msg_size=MOST_BYTES, heartbeat=20)
        await opened.prepare(request)
        self.opened += 1
        client = Client(self.opened)
        await opened.send_json({**self.setup, "client": client.number})
        self.clients.add(client)
        sending = asyncio.create_task(self._send(opened, client))
        try:
            async for message in opened:
                if message.data == "ok":
                    client.paced = True
                    client.free.set()
                elif message.type is WSMsgType.TEXT:
                    self.press(message.data[:1])
                elif message.type is WSMsgType.BINARY and self.setup["browser"]:
                    self._take(client, message.data)
        finally:
            sending.cancel()
            self.clients.discard(client)
            self.sender = None if self.sender == client.number else self.sender
        return opened

    def _take(self, client: Client, picture: bytes) -> None:
        """Take a frame of a browser's camera. Only the frames of the first page count."""
        client.frames += 1
        self.sender = self.sender or client.number
        if self.sender == client.number:
            with contextlib.suppress(queue.Empty):  # nobody took the last frame
                self.pictures.get_nowait()
            self.pictures.put((time.perf_counter(), client.frames, picture))

    async def _send(self, opened: web.WebSocketResponse, client: Client) -> None:
        sent: object = None  # the frame sent last
        with contextlib.suppress(ConnectionError):  # the page has gone
            while True:
                await client.ready.wait()
                await client.free.wait()
                client.ready.clear()
                if client.paced:
                    client.free.clear()
                assert client.newest
                message = client.newest
                # Skip the page that sent the frame, and do not send a frame twice
                own = client.number == self.sender
                if message.image is not None and message.frame is not sent and not own:
                    sent = message.frame
                    await opened.send_bytes(message.jpeg)
                await opened.send_str(message.text)


class Refusal(asyncio.Protocol):
    """Closes a connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def explain(error: Exception) -> str:
    """Explain in a few words why an address is not available."""
    by_name = isinstance(error, socket.gaierror)  # getaddrinfo has its own error codes
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "address already in use"
    if isinstance(error, OSError) and error.errno and not by_name:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or "no address"
