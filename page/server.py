"""The server of the page: who may see it, and what goes to and fro.

    GET  /?key=KEY      the page
    GET  /socket        a WebSocket. To the browser: JSON of each frame (docs/page.md), before it the
                        picture as JPEG, if that is not the browser's own. From the browser: keys as
                        text, the pictures of its camera as JPEG

Everything needs the key, which the page keeps in a cookie, and a Host and Origin of this server.
"""

import asyncio
import hmac
import ipaddress
import json
import queue
import secrets
import threading
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from common.errors import fail
from webcam.display.overlay import PALETTE

STATIC = Path(__file__).parent / "static"
FILES = {"page.js", "camera.js", "drawing.js", "style.css"}
MOST_BYTES = 2**20  # of a message from the browser
POLICY = "default-src 'self'; img-src 'self' blob: data:; connect-src 'self'; frame-ancestors 'none'"


class Client:
    """An open page. It gets the newest message, so that a slow one falls no further behind."""

    def __init__(self) -> None:
        self.newest: tuple[bytes | None, str] | None = None
        self.ready = asyncio.Event()

    def offer(self, picture: bytes | None, told: str) -> None:
        self.newest = picture, told
        self.ready.set()


class Server:
    """Serves the page in a thread of its own. Raises UserError if its address can't be had."""

    def __init__(self, host: str, port: int, emotions: list[str]):
        self.host, self.port = host, port
        self.key = secrets.token_urlsafe(16)
        self.setup = {"emotions": emotions, "colors": [f"#{color}" for color in PALETTE]}
        self.keys: queue.SimpleQueue[str] = queue.SimpleQueue()  # pressed on pages
        self.pictures: queue.Queue[bytes] = queue.Queue(1)  # of the browser's camera
        self.clients: set[Client] = set()
        self.sender: Client | None = None  # whose camera is used
        self.loop = asyncio.new_event_loop()
        self.started: queue.Queue[OSError | None] = queue.Queue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        if error := self.started.get():
            fail(f"{host}:{port}", f"can't be served ({error.strerror})", "choose another --page")

    @property
    def address(self) -> str:
        """What to type into a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/?key={self.key}"

    def publish(self, picture: bytes | None, told: dict[str, Any]) -> None:
        """Send a picture, JPEG, and what is told of it to all pages."""
        text = json.dumps(told)
        self.loop.call_soon_threadsafe(self._offer, picture, text)

    def _offer(self, picture: bytes | None, text: str) -> None:
        for client in self.clients:
            client.offer(picture, text)

    def close(self) -> None:
        """End the server; open pages say so."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(2)

    def _run(self) -> None:
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
        known = hmac.compare_digest(given.encode(), self.key.encode())
        if not (known and self._is_ours(request.host) and origin == f"http://{request.host}"):
            raise web.HTTPForbidden(text="open the address that realtime.py has printed")
        return await handler(request)

    @property
    def _cookie(self) -> str:
        return f"key-{self.port}"  # browsers share cookies among the ports of a machine

    def _is_ours(self, host: str) -> bool:
        """Return whether a Host header names this server by a number, or as localhost or --host.

        A page of someone else's can lead its own name to this machine, but not a number.
        """
        name = host.rpartition(":")[0].strip("[]") if host.endswith(f":{self.port}") else host
        if name in ("localhost", self.host):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    async def _page(self, request: web.Request) -> web.StreamResponse:
        response = web.FileResponse(STATIC / "index.html")
        response.headers["Content-Security-Policy"] = POLICY
        response.set_cookie(self._cookie, self.key, httponly=True, samesite="Strict")
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in FILES:
            raise web.HTTPNotFound
        return web.FileResponse(STATIC / name, headers={"Cache-Control": "no-cache"})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=MOST_BYTES, heartbeat=20)
        await socket.prepare(request)
        await socket.send_json(self.setup)
        client = Client()
        self.clients.add(client)
        sending = asyncio.create_task(self._send(socket, client))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self.keys.put(message.data[:20])
                elif message.type is WSMsgType.BINARY:
                    self._take(client, message.data)
        finally:
            sending.cancel()
            self.clients.discard(client)
            self.sender = None if self.sender is client else self.sender
        return socket

    def _take(self, client: Client, picture: bytes) -> None:
        """Take a picture of a browser's camera; that of the first page counts."""
        self.sender = self.sender or client
        if self.sender is client:
            while not self.pictures.empty():  # nobody took the last one
                self.pictures.get_nowait()
            self.pictures.put_nowait(picture)

    async def _send(self, socket: web.WebSocketResponse, client: Client) -> None:
        while True:
            await client.ready.wait()
            client.ready.clear()
            assert client.newest
            picture, told = client.newest
            if picture is not None:
                await socket.send_bytes(picture)
            await socket.send_str(told)
