"""A design running on a real host, in words that a test can read."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alma_mcp.contract import Experience, Query, Retrieval, Unavailable
from alma_mcp.design_store import Design, DesignStore
from alma_mcp.errors import NoSandbox
from alma_mcp.hosts import Host, Worker, bubblewrap
from alma_mcp.hosts.bounds import Bounds
from alma_mcp.hosts.docker import DockerHost
from alma_mcp.hosts.inprocess import InProcessHost
from alma_mcp.hosts.process import ProcessHost

ENOUGH_SECONDS = 30.0


@dataclass
class FakeAsks:
    """Embeds by hash, completes by echo; `gate` holds answers back, `embeds` switches the embedder off."""

    embeds: bool = True
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    prompts: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def foresee(self, text: str) -> None:
        return None

    async def answer(self, ask: str, params: Mapping[str, Any]) -> Any:
        self.asked.set()
        await self.gate.wait()
        if ask == "embed":
            if not self.embeds:
                raise Unavailable("there is no embedder")
            return [_vector(text) for text in params["texts"]]
        self.prompts.append(dict(params))
        return f"echo {params['prompt']}"


def _vector(text: str) -> str:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(16).astype("<f4")
    return base64.b64encode((vector / np.linalg.norm(vector)).tobytes()).decode()


@dataclass
class Running:
    """One worker of one design."""

    design: Design
    state: Path
    asks: FakeAsks
    worker: Worker
    opened: dict[str, Any] = field(default_factory=dict)
    next: int = 1

    @property
    def position(self) -> int:
        return self.opened["position"]

    async def call(self, method: str, params: Mapping[str, Any], deadline: float = ENOUGH_SECONDS) -> Any:
        return await self.worker.call(method, params, deadline)

    async def open(self) -> None:
        self.opened = await self.call("open", {"source": self.design.source, "seed": self.design.id})
        self.next = self.position + 1

    async def apply(self, *events: Mapping[str, Any], deadline: float = ENOUGH_SECONDS) -> int:
        return (await self.call("apply", {"events": list(events)}, deadline))["position"]

    def events(self, kind: str, *bodies: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Events at the next positions of the log."""
        first, self.next = self.next, self.next + len(bodies)
        return [
            {"position": first + i, "kind": kind, "at": float(first + i), "body": body} for i, body in enumerate(bodies)
        ]

    def happened(self, *ids: str) -> list[dict[str, Any]]:
        return self.events("experience", *(Experience(id=each, task=f"task {each}").to_json() for each in ids))

    async def remember(self, *ids: str) -> int:
        return await self.apply(*self.happened(*ids))

    async def retrieve(self, text: str = "", context: str = "", deadline: float = ENOUGH_SECONDS) -> Retrieval:
        query = Query(text, context, time=7.0)
        params = {"query": {"text": query.text, "context": query.context, "limit": query.limit, "time": query.time}}
        return Retrieval.from_json(await self.call("retrieve", params, deadline))

    async def texts(self, text: str = "", context: str = "", deadline: float = ENOUGH_SECONDS) -> list[str]:
        return [item.text for item in (await self.retrieve(text, context, deadline)).items]


class Runner:
    """Starts designs on one host, and ends them all."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self._folder = folder
        self._started: list[Worker] = []

    async def start(self, source: str, scope: str = "scope", asks: FakeAsks | None = None) -> Running:
        """A running, opened design."""
        design = Design(source, "tested")
        state = self._folder / scope
        state.mkdir(exist_ok=True, mode=0o700)
        asks = asks or FakeAsks()
        worker = await self.host.start(design, state, asks)
        self._started.append(worker)
        running = Running(design, state, asks, worker)
        await running.open()
        return running

    async def again(self, running: Running) -> Running:
        """The same design over the same state, in a new worker."""
        await running.worker.close()
        return await self.start(running.design.source, running.state.name)

    async def close(self) -> None:
        for worker in self._started:
            await worker.close()


@contextlib.asynccontextmanager
async def runner_on(name: str, folder: Path, bounds: Bounds | None = None):
    """A `Runner` on the host of this name. Skips, and says so, where the machine has none."""
    host: Any
    match name:
        case "in-process":
            host = InProcessHost()
        case "bubblewrap":
            tier = bubblewrap.probe()
            if not tier.name:
                pytest.skip(f"no sandbox here: {tier.reason}")
            host = ProcessHost(DesignStore(folder / "designs"), tier, bounds)
        case _:
            try:
                host = await DockerHost.open(bounds)
            except NoSandbox as reason:
                pytest.skip(f"{reason} In continuous integration .ci/docker.sh does.")
    workers = folder / "states"
    workers.mkdir()
    runner = Runner(host, workers)
    yield runner
    await runner.close()
    if isinstance(host, DockerHost):
        await host.close()
