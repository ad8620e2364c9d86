"""Pages that stay up to date, as the server sends them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from made_dashboard import ORIGIN, PORT

from alma_mcp.dashboard.live import MOST_STREAMS
from alma_mcp.dashboard.visits import VISIT_SECONDS

PATIENCE_SECONDS = 30.0


class Stream:
    """One open `/live`, its events as they come."""

    def __init__(self) -> None:
        self.status = 0
        self.gone = asyncio.Event()
        self._sent: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._text = ""

    async def send(self, message):
        await self._sent.put(message)

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def begin(self) -> None:
        self.status = (await self._next())["status"]

    async def event(self) -> tuple[str, Any]:
        """The next event that is no comment."""
        while True:
            while "\n\n" not in self._text:
                self._text += (await self._next()).get("body", b"").decode()
            told, self._text = self._text.split("\n\n", 1)
            fields = dict(line.split(": ", 1) for line in told.splitlines() if not line.startswith(":"))
            if "event" in fields:
                return fields["event"], json.loads(fields["data"])

    async def _next(self):
        return await asyncio.wait_for(self._sent.get(), PATIENCE_SECONDS)


@contextlib.asynccontextmanager
async def live(made, path="/counts", key=None) -> AsyncIterator[Stream]:
    key = made.visits.begin(made.visits.new_link()) if key is None else key
    stream = Stream()
    headers = {"host": f"localhost:{PORT}", "cookie": f"alma-mcp-{PORT}={key}", "sec-fetch-site": "same-origin"}
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "server": ("localhost", PORT), "path": "/live", "raw_path": b"/live", "root_path": "",
        "query_string": f"path={path}".encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    task = asyncio.create_task(made.app(scope, stream.receive, stream.send))
    await stream.begin()
    try:
        yield stream
    finally:
        stream.gone.set()
        await asyncio.wait_for(task, PATIENCE_SECONDS)


async def test_a_live_page_is_sent_again_where_it_changed(made):
    async with live(made) as stream:
        kind, parts = await stream.event()
        assert (kind, "So many: 0" in parts["live"]) == ("parts", True)
        made.count = 1234
        _, parts = await stream.event()
        assert "So many: 1,234" in parts["live"]
        assert '<span class="badge">1234</span>' in parts["sections"]
        made.text = "In all:"
        _, parts = await stream.event()
        assert "In all: 1,234" in parts["live"]
        assert "sections" not in parts, "what did not change was sent again"


async def test_what_a_person_types_into_is_not_sent(made):
    async with live(made) as stream:
        _, parts = await stream.event()
        assert "<form" not in parts["live"]


async def test_a_live_page_that_cannot_be_shown_says_why(made):
    async with live(made, "/counts/refused") as stream:
        assert await stream.event() == ("parts", {"problem": "There is nothing to roll back to."})


async def test_a_page_that_is_open_does_not_prolong_its_visit_and_ends_with_it(made):
    async with live(made) as stream:
        await stream.event()
        made.clock.seconds += VISIT_SECONDS
        assert await stream.event() == ("ended", {})


async def test_a_page_that_is_closed_is_rendered_no_more(made):
    async with live(made) as stream:
        await stream.event()
        assert made.streams.open == 1
    assert made.streams.open == 0


async def test_pages_end_with_the_engine(made):
    async with live(made) as stream:
        await stream.event()
        made.streams.close()
        assert await stream.event() == ("bye", {})


async def test_only_so_many_pages_are_live_at_once(made):
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(MOST_STREAMS):
            stream = await stack.enter_async_context(live(made))
            await stream.event()
        assert (await stack.enter_async_context(live(made))).status == 503
    async with live(made) as stream:
        assert stream.status == 200


async def test_nothing_is_sent_to_who_is_not_signed_in(made):
    async with live(made, key="guessed") as stream:
        assert stream.status == 401


async def test_only_pages_of_sections_are_live(made):
    for path in ("/nothing", "/live", "/static/dashboard.css", "//evil.example", ORIGIN, ""):
        async with live(made, path) as stream:
            assert stream.status == 404
