"""A server's home, and one MCP session to a server in it."""

import contextlib
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import TextContent

from bench.peers import processes
from bench.peers.framing import content_length_client
from bench.peers.install import MODELS
from bench.peers.peers import Peer, Tool, filled
from bench.texts import note, question

CALL_SECONDS = 60.0
CHARACTERS_A_TOKEN = 4


class Refused(Exception):
    """The server answered that it did not do what it was asked."""


@dataclass(frozen=True, slots=True)
class Tools:
    """How many tools a client is shown, and their size as JSON in tokens of four characters."""

    count: int
    tokens: int


def mark(number: int) -> str:
    """Words that only the note of this number has, and no question."""
    return f"when job {number} runs"


class Session:
    """One open session. Every call has a time limit; all times are milliseconds."""

    def __init__(self, peer: Peer, client: Client, started: float, listed: Any) -> None:
        self._peer = peer
        self._client = client
        self._started = started
        self.tools = _size(listed)
        self.to_tools = self.age()

    def age(self) -> float:
        """Time since the server was spawned."""
        return (time.perf_counter() - self._started) * 1000

    async def store(self, number: int) -> float:
        """Store a note; gives the time. Raises `Refused` when it was not acknowledged."""
        started = time.perf_counter()
        text = await self._call(self._peer.store, {"text": note(number), "number": str(number)})
        spent = (time.perf_counter() - started) * 1000
        if self._peer.refused and re.search(self._peer.refused, text):
            raise Refused(text[:200])
        return spent

    async def search(self, number: int) -> tuple[float, bool]:
        """Ask for a note; gives the time, and whether the note is in the answer."""
        started = time.perf_counter()
        text = await self._call(self._peer.search, {"query": question(number)})
        return (time.perf_counter() - started) * 1000, mark(number) in text

    async def settle(self) -> float:
        """Ask until everything stored can be found; gives the time."""
        started = time.perf_counter()
        while self._peer.pending and self._peer.pending in await self._call(
            self._peer.search, {"query": "anything at all"}
        ):
            pass
        return (time.perf_counter() - started) * 1000

    async def _call(self, tool: Tool, words: dict[str, str]) -> str:
        result = await self._client.call_tool(tool.name, filled(tool.arguments, words))
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        if result.is_error:
            raise Refused(text[:200])
        return text


class ServerHome:
    """A folder for one server: its home, its project, its models; and the processes that run on it."""

    def __init__(self, peer: Peer, folder: Path) -> None:
        self._peer = peer
        self._folder = folder
        self._words = {"home": str(folder), "environment": str(peer.folder)}
        (folder / "project").mkdir(parents=True)
        for name, text in peer.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(filled(text, self._words))
        for name, model in peer.models.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(MODELS / model)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Spawn a server and open a session, up to its answered `tools/list`.

        Raises `OSError`, `TimeoutError`, `MCPError`, or a group of them when it does not start or answer.
        """
        command = filled(self._peer.command, self._words)
        environment = {"HOME": str(self._folder), processes.MARK: str(self._folder)}
        server = StdioServerParameters(
            command=command[0],
            args=command[1:],
            env=environment | filled(self._peer.environment, self._words),
            cwd=self._folder / "project",
        )
        connect = stdio_client if self._peer.framing == "lines" else content_length_client
        with (self._folder / "stderr.txt").open("a") as log:
            started = time.perf_counter()
            async with Client(connect(server, log), mode="legacy", read_timeout_seconds=CALL_SECONDS) as client:
                yield Session(self._peer, client, started, await client.list_tools())

    def running(self) -> bool:
        return bool(processes.marked(str(self._folder)))

    def memory(self) -> processes.Memory:
        return processes.memory(processes.marked(str(self._folder)))

    def end(self) -> None:
        """End what still runs on this home."""
        processes.end(str(self._folder))

    def lacks(self, numbers: Sequence[int]) -> list[int]:
        """Those of the notes that are in none of the files that the server keeps memories in."""
        kept = [path.read_bytes() for glob in self._peer.data for path in self._folder.glob(glob) if path.is_file()]
        return [number for number in numbers if not any(mark(number).encode() in each for each in kept)]


def _size(listed: Any) -> Tools:
    text = f"[{','.join(tool.model_dump_json(by_alias=True, exclude_none=True) for tool in listed.tools)}]"
    return Tools(len(listed.tools), len(text) // CHARACTERS_A_TOKEN)
