"""The control channel: what a person's commands ask of the engine, over its Unix socket.

No MCP client reaches it: a session's lines go to the MCP server, and only a greeting with
the role `control` opens this one.
"""

import asyncio
import contextlib
import functools
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

from alma_mcp import errors
from alma_mcp.home import Home
from alma_mcp.rendezvous import meet

T = TypeVar("T")
Handler = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]

LONGEST_LINE = 16 * 1024 * 1024


class Control:
    """The asking side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0

    async def request(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Ask one thing. Raises what the engine raised, or `EngineError` when it went away."""
        self._number += 1
        line = json.dumps({"id": self._number, "call": name, "params": params}) + "\n"
        try:
            self._writer.write(line.encode())
            await self._writer.drain()
            answer = json.loads(await self._reader.readline())
        except (OSError, ValueError) as error:
            raise errors.EngineError("The engine went away during the request; try again.") from error
        if "error" in answer:
            kind = getattr(errors, str(answer.get("kind")), errors.EngineError)
            raise kind(answer["error"])
        result: dict[str, Any] = answer["ok"]
        return result

    async def closed(self) -> None:
        """Wait until the engine ends this connection."""
        await self._reader.read()


@contextlib.asynccontextmanager
async def control(home: Home) -> AsyncIterator[Control]:
    """A control connection to the engine of a home, which is started if there is none."""
    meeting = await in_daemon_thread(lambda: meet(home, {"role": "control"}))
    reader, writer = await asyncio.open_unix_connection(sock=meeting.socket, limit=LONGEST_LINE)
    try:
        yield Control(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """What `work` gives; a program that is interrupted meanwhile does not wait for it, as it would for `to_thread`."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        if not done.done():
            outcome()

    def run() -> None:
        outcome: Callable[[], None]
        try:
            outcome = functools.partial(done.set_result, work())
        except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
            outcome = functools.partial(done.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, daemon=True).start()
    return await done


async def serve_control(
    handlers: Mapping[str, Handler], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer requests, one after the other, until the asking side goes away."""
    while line := await reader.readline():
        request = json.loads(line)
        answer: dict[str, Any] = {"id": request["id"]}
        handler = handlers.get(request["call"])
        try:
            if handler is None:
                raise errors.EngineError(f"The engine knows no request {request['call']!r}.")
            answer["ok"] = await handler(request["params"])
        except errors.AlmaError as error:
            answer.update(error=str(error), kind=type(error).__name__)
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
