"""Pages that stay up to date: server-sent events with the part of a page that changed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from starlette.responses import PlainTextResponse, Response, StreamingResponse

MOST_STREAMS = 12
PAUSE_SECONDS = 1.0
QUIET_PAUSES = 10

Parts = Mapping[str, str]


class SignedOut(Exception):
    """The visit that a stream belongs to is over."""


class Streams:
    """The pages that are open now, at most `MOST_STREAMS`. Each is rendered again every `pause` seconds."""

    def __init__(self, pause: float = PAUSE_SECONDS) -> None:
        self._pause = pause
        self._open = 0
        self._closing = asyncio.Event()

    @property
    def open(self) -> int:
        return self._open

    def close(self) -> None:
        """Have every stream end."""
        self._closing.set()

    def stream(self, render: Callable[[], Awaitable[Parts]]) -> Response:
        """A stream of what `render` gives, whenever that differs. It ends when `render` raises `SignedOut`."""
        if self._open >= MOST_STREAMS or self._closing.is_set():
            return PlainTextResponse("Too many pages are open at once; close one.\n", 503)
        return StreamingResponse(self._events(render), media_type="text/event-stream")

    async def _events(self, render: Callable[[], Awaitable[Parts]]) -> AsyncIterator[str]:
        self._open += 1
        try:
            yield "retry: 2000\n\n"
            sent: Parts = {}
            quiet = 0
            while not self._closing.is_set():
                parts = await render()
                changed = {name: html for name, html in parts.items() if sent.get(name) != html}
                quiet = 0 if changed else quiet + 1
                if changed:
                    sent = parts
                    yield f"event: parts\ndata: {json.dumps(changed)}\n\n"
                elif quiet % QUIET_PAUSES == 0:
                    yield ": still here\n\n"
                await self._wait()
            yield "event: bye\ndata: {}\n\n"
        except SignedOut:
            yield "event: ended\ndata: {}\n\n"
        finally:
            self._open -= 1

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._pause):
                await self._closing.wait()
        except TimeoutError:
            return
