"""The memory under test: a design over a log of its own, in the projection and host that serve it in production."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.contract import Experience, Query, Retrieval
from alma_mcp.design_store import Design
from alma_mcp.embedders import Embedder
from alma_mcp.errors import DesignError
from alma_mcp.hosts import Host
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.recordings import Recordings
from alma_mcp.projections.projection import Limits, Projection
from alma_mcp.toolkit import Completer, HostToolkit, Spent
from alma_mcp.vector_cache import VectorCache
from evolve.benchmarks import Feedback

PATIENT = Limits(apply_seconds=1800.0, retrieve_seconds=300.0, batch=1)
"""For designs that may ask a model: its slowness here is not their fault. What is served keeps its limits."""


@dataclass(frozen=True, slots=True)
class Laboratory:
    """What every evaluation on this machine shares.

    `calls` caps the completions of one memory, over all its evaluations where their `answers` are kept.
    """

    host: Host
    embedder: Embedder | None
    completer: Completer | None = None
    calls: int = 0
    vectors: VectorCache | None = None
    answers: Recordings | None = None


class EvaluatedMemory:
    """A design's memory of one scope, in a folder of its own.

    `memory_bytes` is the most main memory that its worker held when it had taken something in, 0 where the host
    cannot tell.
    """

    def __init__(self, log: ExperienceLog, projection: Projection, spent: Spent, folder: Path) -> None:
        self.spent = spent
        self.memory_bytes = 0
        self._log = log
        self._projection = projection
        self._folder = folder

    async def take_in(self, moment: Experience | Feedback) -> None:
        scope = self._projection.scope
        match moment:
            case Experience():
                await self._log.append(scope, "experience", moment.to_json(), moment.time)
            case Feedback():
                body = {"experiences": list(moment.experiences), "signal": moment.signal}
                await self._log.append(scope, "feedback", body, moment.time)

    async def follow(self) -> None:
        """Raises `DesignError` when the design cannot take something in."""
        await self._projection.follow()
        if self._projection.quarantined:
            raise DesignError(f"update() failed on an experience: {self._projection.reasons()[0]}")
        self.memory_bytes = max(self.memory_bytes, self._projection.memory_bytes)

    @property
    def state_bytes(self) -> int:
        """What it keeps on disk now."""
        return _size(self._folder)

    async def recall(self, query: Query) -> Retrieval:
        return await self._projection.retrieve(query)


@contextlib.asynccontextmanager
async def open_memory(design: Design, scope: str, laboratory: Laboratory) -> AsyncIterator[EvaluatedMemory]:
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alma-evolve-")))
        log = await ExperienceLog.open(folder / "experiences.db")
        stack.push_async_callback(log.close)
        recordings = laboratory.answers
        if recordings is None:
            recordings = await Recordings.open(folder / "recordings.db")
            stack.push_async_callback(recordings.close)
        asks = HostToolkit(
            design.id,
            laboratory.embedder,
            laboratory.completer,
            recordings,
            scope=scope,
            calls=laboratory.calls,
            vectors=laboratory.vectors,
        )
        limits = PATIENT if laboratory.completer else Limits()
        projection = Projection(design, scope, log, laboratory.host, asks, folder / "projection", limits)
        stack.push_async_callback(projection.close)
        await projection.start()
        yield EvaluatedMemory(log, projection, asks.spent, folder / "projection")


def _size(folder: Path) -> int:
    """Of all files below; one that goes away meanwhile is passed over."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size if path.is_file() else 0
    return total
