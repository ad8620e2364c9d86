"""The far side of a cluster: a node opens its benchmark once and plays job after job."""

import asyncio
import contextlib
import importlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from alma_mcp import __version__
from alma_mcp.errors import AlmaError
from evolve.book import Booked
from evolve.episodes import Episodes
from evolve.evaluation import VERSION
from evolve.runners.bench import Bench
from evolve.runners.jobs import Fell, Finished, Kept, Message, Opened, read_job, write_message
from evolve.runners.local import LocalRunner


class Node:
    """Text in, text out; see `jobs`."""

    def __init__(self) -> None:
        self._address = socket.gethostname()
        self._open = contextlib.AsyncExitStack()
        self._bench: Bench

    async def open(self, opening: str, settings: str) -> str:
        """An `Opened` or a `Fell`. `opening` is the `module:function` that opens a `Bench`, given the settings."""
        module, _, function = opening.partition(":")
        try:
            opened = getattr(importlib.import_module(module), function)(settings)
            self._bench = await self._open.enter_async_context(opened)
        except AlmaError as error:
            return write_message(Fell(type(error).__name__, f"{error} (the node {self._address})"))
        return write_message(Opened(self._address, __version__, VERSION, self._bench.benchmark.name))

    async def play(self, text: str) -> AsyncIterator[str]:
        """A `Kept` for each task as soon as it is played, then a `Finished` or `Fell`. Messages are lines; what is
        ready together goes together.
        """
        job = read_job(text)
        told: asyncio.Queue[Message | None] = asyncio.Queue()
        trajectories = Trajectories(Episodes(self._bench.home.episodes).path(self._bench.benchmark.name))

        def keep(entry: Booked) -> None:
            told.put_nowait(Kept(entry, trajectories.take(entry.result.trace)))

        async def run() -> Message:
            try:
                return Finished(await LocalRunner(self._bench.benchmark, self._bench.laboratory).play(job, keep))
            except AlmaError as error:
                return Fell(type(error).__name__, f"{error} (the node {self._address})")

        playing = asyncio.create_task(run())
        playing.add_done_callback(lambda _: told.put_nowait(None))
        try:
            async for lines in _told(told):
                yield lines
            yield write_message(await playing)
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    async def close(self) -> None:
        await self._open.aclose()


class Trajectories:
    """The episodes that are added to a file from now on, each given once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = path.stat().st_size if path.exists() else 0
        self._found: dict[str, dict[str, Any]] = {}

    def take(self, trace: str) -> dict[str, Any] | None:
        """The episode of this id, if there is one."""
        if not trace or not self._path.exists():
            return None
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                record = json.loads(line)
                self._found[record["id"]] = record["episode"]
        return self._found.pop(trace, None)


async def _told(messages: "asyncio.Queue[Message | None]") -> AsyncIterator[str]:
    """All that is told until None, as soon as it is there."""
    ended = False
    while not ended:
        ready = [await messages.get()]
        while not messages.empty():
            ready.append(messages.get_nowait())
        ended = ready[-1] is None
        if lines := [write_message(message) for message in ready if message is not None]:
            yield "\n".join(lines)
