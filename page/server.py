"""The server of the page: who may see it, and what goes to and fro.

    GET  /?key=KEY      the page
    GET  /socket        a WebSocket. To the browser: JSON of each frame (docs/page.md), before it the
                        frame as JPEG. From the browser: keys as text, the pictures of its camera as
                        JPEG

Everything needs the key, which the page keeps in a cookie, and a Host and Origin of this server.
"""

import asyncio
import contextlib
import hmac
import ipaddress
import json
import logging
import os
import queue
import secrets
import socket
import threading
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from aiohttp import WSMsgType, web

from common.errors import fail

STATIC = Path(__file__).parent / "static"
FILES = {"page.js", "camera.js", "drawing.js", "style.css"}
MOST_BYTES = 2**20  # of a message from the browser
MOST_KEYS = 100  # pressed, and not yet obeyed
MOST_WIDTH = 1280  # pixels of a picture that is sent
QUALITY = 80  # of the JPEGs
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self'; frame-ancestors 'none'"
)


class Message:
    """A frame, BGR or None, and what is told of it. Encoded at most once, and only if it is sent."""

    def __init__(self, image: np.ndarray | None, told: dict[str, Any]):
        self.image, self.told = image, told

    @cached_property
    def jpeg(self) -> bytes:
        image = self.image
        assert image is not None
        height, width = image.shape[:2]
        if width > MOST_WIDTH:
            size = MOST_WIDTH, max(1, round(height * MOST_WIDTH / width))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()

    @cached_property
    def text(self) -> str:
        return json.dumps(self.told)


class Client:
    """An open page. It gets the newest message, so that a slow one falls no further behind."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.newest: Message | None = None
        self.ready = asyncio.Event()

    def offer(self, message: Message) -> None:
        self.newest = message
        self.ready.set()


class Server:
    """Serves the page in a thread of its own. Raises UserError if its address can't be had.

    `setup` is what each page is told first.
    """

    def __init__(self, host: str, port: int, setup: dict[str, Any]):
        self.host, self.port, self.setup = host, port, setup
        name = socket.gethostname()
        self.names = {"localhost", host, name, f"{name}.local"}  # that a browser may call it
        self.key = secrets.token_urlsafe(16)
        self.keys: queue.Queue[str] = queue.Queue(MOST_KEYS)  # pressed on pages
        self.pictures: queue.Queue[bytes] = queue.Queue(1)  # of the browser's camera
        self.clients: set[Client] = set()
        self.opened = 0  # pages so far
        self.sender: Client | None = None  # whose camera is used
        self.loop = asyncio.new_event_loop()
        self.started: queue.Queue[OSError | None] = queue.Queue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        if error := self.started.get():
            by_name = isinstance(error, socket.gaierror)  # whose numbers are its own
            why = error.strerror if by_name else os.strerror(error.errno or 0)
            mend = "choose another --page or --host"
            fail(f"{host}:{port}" if port else host, f"can't be served ({why})", mend)

    def publish(self, message: Message) -> None:
        """Send a message to all pages."""
        self.loop.call_soon_threadsafe(self._offer, message)

    def _offer(self, message: Message) -> None:
        for client in self.clients:
            client.offer(message)

    def press(self, key: str) -> None:
        """Take a key that was pressed; one of too many is forgotten."""
        with contextlib.suppress(queue.Full):
            self.keys.put_nowait(key)

    def close(self) -> None:
        """End the server; open pages say so."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(2)

    def _run(self) -> None:
        # What a stranger sends that is no HTTP is no fault of the user's
        logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
        asyncio.set_event_loop(self.loop)
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/socket", self._socket),
                web.get("/{name}", self._file),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        try:
            self.loop.run_until_complete(runner.setup())
            site = web.TCPSite(runner, self.host, self.port)
            self.loop.run_until_complete(site.start())
            self.port = runner.addresses[0][1]
        except OSError as error:
            self.started.put(error)
            return
        self.started.put(None)
        self.loop.run_forever()
        self.loop.run_until_complete(runner.cleanup())

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Let in who has the key, by an address of this server, from a page of this server."""
        given = request.query.get("key") or request.cookies.get(self._cookie, "")
        origin = request.headers.get("Origin", f"http://{request.host}")
        known = hmac.compare_digest(given.encode("utf-8", "replace"), self.key.encode())
        if not (known and self._is_ours(request.host) and origin == f"http://{request.host}"):
            raise web.HTTPForbidden(text="open the address that realtime.py has printed")
        return await handler(request)

    @property
    def _cookie(self) -> str:
        return f"key-{self.port}"  # browsers share cookies among the ports of a machine

    def _is_ours(self, host: str) -> bool:
        """Return whether a Host header names this machine by a number or one of its names.

        Anybody can lead a name of his own to this machine, but no number. The port may be another,
        that of `ssh -L` or of a container.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self.names or bool(ipaddress.ip_address(name))
        except ValueError:
            return False

    async def _page(self, request: web.Request) -> web.StreamResponse:
        response = web.FileResponse(STATIC / "index.html")
        response.headers.update({"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})
        response.set_cookie(self._cookie, self.key, httponly=True, samesite="Strict")
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in FILES:
            raise web.HTTPNotFound
        return web.FileResponse(STATIC / name, headers={"Cache-Control": "no-cache"})

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
                if message.type is WSMsgType.TEXT:
                    self.press(message.data[:1])
                elif message.type is WSMsgType.BINARY:
                    self._take(client, message.data)
        finally:
            sending.cancel()
            self.clients.discard(client)
            self.sender = None if self.sender is client else self.sender
        return opened

    def _take(self, client: Client, picture: bytes) -> None:
        """Take a picture of a browser's camera; that of the first page counts."""
        self.sender = self.sender or client
        if self.sender is client:
            with contextlib.suppress(queue.Empty):  # nobody took the last one
                self.pictures.get_nowait()
            self.pictures.put_nowait(picture)

    async def _send(self, opened: web.WebSocketResponse, client: Client) -> None:
        sent: np.ndarray | None = None
        while True:
            await client.ready.wait()
            client.ready.clear()
            assert client.newest
            message = client.newest
            # Not to the page whose picture it is, nor a second time
            if (
                message.image is not None
                and message.image is not sent
                and client is not self.sender
            ):
                sent = message.image
                await opened.send_bytes(message.jpeg)
            await opened.send_str(message.text)
