"""A worker in a thread of this very process, for the tests of our own designs: same frames, no isolation."""

import asyncio
import os
import threading
from pathlib import Path

from alma_mcp.design_store import Design
from alma_mcp.frames import MAX_FRAME
from alma_mcp.hosts import Asks
from alma_mcp.hosts.link import Link, wholly
from alma_mcp.worker import run


class InProcessHost:
    """Runs a worker on a loop of its own, between two pipes."""

    name = "this process (no isolation)"
    contained = False

    async def start(self, design: Design, state: Path, asks: Asks) -> Link:  # noqa: ARG002 - the design comes with `open`
        """See `hosts.Host.start`."""
        return await wholly(self._start(state, asks))

    async def _start(self, state: Path, asks: Asks) -> Link:
        loop = asyncio.get_running_loop()
        to_worker, from_host = os.pipe()
        to_host, from_worker = os.pipe()
        thread = threading.Thread(target=_work, args=(state, to_worker, from_worker), daemon=True)
        thread.start()
        reader = asyncio.StreamReader(limit=MAX_FRAME)
        incoming, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(to_host, "rb")
        )
        outgoing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(from_host, "wb"))

        async def end() -> None:
            outgoing.close()
            await asyncio.to_thread(thread.join)
            incoming.close()

        return Link(reader, outgoing.write, asks, end, lambda: "", lambda: 0)

    async def close(self) -> None:
        """It holds nothing."""


def _work(state: Path, incoming: int, outgoing: int) -> None:
    try:
        asyncio.run(run(state, incoming, outgoing))
    finally:
        os.close(outgoing)
