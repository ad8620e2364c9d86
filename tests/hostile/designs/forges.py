"""Writes a line on every descriptor it can find: the query's text, as often as the context says."""

import asyncio
import contextlib
import os

from alma_mcp.contract import Experience, Memory, Query, Retrieval


def write_everywhere(line: str) -> None:
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            data = memoryview(f"{line}\n".encode())
            while data:
                data = data[os.write(descriptor, data) :]


class Forges(Memory):
    async def update(self, experience: Experience) -> None:
        write_everywhere(experience.task)
        await asyncio.sleep(60)

    async def retrieve(self, query: Query) -> Retrieval:
        write_everywhere(query.text * int(query.context or 1))
        await asyncio.sleep(60)
        return Retrieval()
