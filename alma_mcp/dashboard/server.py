"""The dashboard of one engine: served from the first time that somebody asks for it until the engine ends."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from alma_mcp.dashboard.app import build_app
from alma_mcp.dashboard.live import Streams
from alma_mcp.dashboard.section import Section
from alma_mcp.dashboard.visits import Visits
from alma_mcp.errors import BadRequest
from alma_mcp.loopback import bind_localhost, serving

DEFAULT_PORT = 8377


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that signs one browser in, and a sentence about it where there is something to say."""

    url: str
    note: str = ""


class DashboardServer:
    """Serves the pages of these sections. `sections` is called when the first link is asked for."""

    def __init__(self, sections: Callable[[], Sequence[Section]], default_port: int = DEFAULT_PORT) -> None:
        self._sections = sections
        self._default_port = default_port
        self._visits = Visits(time.monotonic)
        self._streams = Streams()
        self._stack = contextlib.AsyncExitStack()
        self._opening = asyncio.Lock()
        self._port = 0
        self._used = 0.0

    def idle_seconds(self) -> float:
        """How long nobody has looked at a page; infinite where nobody ever did."""
        if self._streams.open:
            return 0.0
        return time.monotonic() - self._used if self._used else float("inf")

    async def open(self, port: int | None = None) -> Opened:
        """A new link, to the same server each time. Raises `BadRequest` where the port cannot be had."""
        async with self._opening:
            note = ""
            if not self._port:
                note = await self._listen(port)
            elif port not in (None, 0, self._port):
                note = f"The dashboard is served at port {self._port} already; `alma-mcp stop` ends it."
        return Opened(f"http://localhost:{self._port}/enter/{self._visits.new_link()}", note)

    async def close(self) -> None:
        """End every page."""
        self._streams.close()
        await self._stack.aclose()

    async def _listen(self, port: int | None) -> str:
        note = ""
        try:
            listeners = bind_localhost(self._default_port if port is None else port)
        except BadRequest:
            if port is not None:
                raise
            listeners = bind_localhost(0)
            note = f"Port {self._default_port} is taken, so another one was chosen; `--port` names one."
        number = listeners[0].getsockname()[1]
        app = build_app(self._sections(), self._visits, self._streams, number, time.time)
        await self._stack.enter_async_context(serving(self._noticing(app), listeners))
        self._port = number
        return note

    def _noticing(self, app: ASGIApp) -> ASGIApp:
        async def noticed(scope: Scope, receive: Receive, send: Send) -> None:
            self._used = time.monotonic()
            await app(scope, receive, send)

        return noticed
