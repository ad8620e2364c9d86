"""Evaluate a design on a benchmark: the same projection and host that serve it in production."""

import asyncio
import contextlib
import math
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from alma_mcp.contract import Experience, MemoryItem, Query, Retrieval
from alma_mcp.design_store import Design
from alma_mcp.embedders import Embedder
from alma_mcp.errors import DesignError
from alma_mcp.experience_log import ExperienceLog
from alma_mcp.hosts import Host
from alma_mcp.projection import Projection
from alma_mcp.recordings import Recordings
from alma_mcp.toolkit import Completer, HostToolkit
from alma_mcp.vector_cache import VectorCache
from evolve.benchmarks import Benchmark, Feedback, KnowsPopular, Recall, Scope, Split, Task
from evolve.evaluation import Evaluation, Rejection, TaskResult, Verdict

CHARACTERS_PER_TOKEN = 4
SCOPES_AT_ONCE = 2

T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Laboratory:
    """What every evaluation on this machine shares."""

    host: Host
    embedder: Embedder | None
    completer: Completer | None = None
    calls: int = 0
    vectors: VectorCache | None = None


async def evaluate(
    design: Design,
    benchmark: Benchmark,
    split: Split,
    laboratory: Laboratory,
    *,
    controls: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Verdict:
    """Play every task of a split with one design.

    A design that fails on a task scores 0 there; one that cannot take in the experiences gets a
    `Rejection`. Faults of the machine (`HostError`, `StoreError`) are raised: they are nobody's score.
    """
    scopes = benchmark.scopes(split)
    tasks = [task for scope in scopes for task in _tasks(scope)]
    done = 0
    started = clock()

    def played() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, len(tasks))

    gate = asyncio.Semaphore(SCOPES_AT_ONCE)

    async def run(scope: Scope) -> tuple[list[TaskResult], dict[str, list[float]]]:
        async with gate, open_memory(design, scope.name, laboratory) as memory:
            empty = open_memory(design, scope.name, laboratory) if controls else None
            async with empty or contextlib.nullcontext() as blank:
                return await _Playing(benchmark, scope, tasks, memory, blank, clock, played).through()

    try:
        ran = await _all([run(scope) for scope in scopes])
    except DesignError as error:
        return Rejection(design.id, "collection", str(error), "\n".join(getattr(error, "__notes__", ())))
    return Evaluation(
        design=design.id,
        name=design.name,
        benchmark=benchmark.name,
        split=split,
        primary=benchmark.primary,
        results=[result for results, _ in ran for result in results],
        controls=_means([control for _, control in ran]),
        seconds=clock() - started,
    )


async def _all(runs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them give; where one fails, the others have ended, workers and all, before it is raised."""
    tasks = [asyncio.create_task(each) for each in runs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class EvaluatedMemory:
    """A design's memory of one scope, in a folder of its own."""

    def __init__(self, log: ExperienceLog, projection: Projection) -> None:
        self._log = log
        self._projection = projection

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

    async def recall(self, query: Query) -> Retrieval:
        return await self._projection.retrieve(query)


@contextlib.asynccontextmanager
async def open_memory(design: Design, scope: str, laboratory: Laboratory) -> AsyncIterator[EvaluatedMemory]:
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alma-evolve-")))
        log = await ExperienceLog.open(folder / "experiences.db")
        stack.push_async_callback(log.close)
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
        projection = Projection(design, scope, log, laboratory.host, asks, folder / "projection")
        stack.push_async_callback(projection.close)
        await projection.start()
        yield EvaluatedMemory(log, projection)


class _Playing:
    """One scope, moment by moment. `tasks` are those of all scopes, to borrow from where this one has a single task."""

    def __init__(
        self,
        benchmark: Benchmark,
        scope: Scope,
        tasks: Sequence[Task],
        memory: EvaluatedMemory,
        blank: EvaluatedMemory | None,
        clock: Callable[[], float],
        played: Callable[[], None],
    ) -> None:
        self._benchmark = benchmark
        self._scope = scope
        self._tasks = tasks
        self._memory = memory
        self._blank = blank
        self._clock = clock
        self._played = played
        self._seen: list[Experience] = []
        self._random = random.Random(scope.name)

    async def through(self) -> tuple[list[TaskResult], dict[str, list[float]]]:
        results: list[TaskResult] = []
        controls: dict[str, list[float]] = {}
        own = _tasks(self._scope)
        others = own if len(own) > 1 else [task for task in self._tasks if task not in own] or own
        for moment in self._scope.moments:
            if not isinstance(moment, Task):
                if isinstance(moment, Experience):
                    self._seen.append(moment)
                await self._memory.take_in(moment)
                continue
            await self._memory.follow()
            results.append(await self._play(moment))
            if self._blank is not None:
                other = self._random.choice(others)
                for name, recall in self._controls(self._blank, other).items():
                    controls.setdefault(name, []).append(await self._control(moment, recall))
                for name, score in self._baselines(moment).items():
                    controls.setdefault(name, []).append(score)
            self._played()
        return results, controls

    async def _play(self, task: Task) -> TaskResult:
        tokens = 0
        elapsed = 0.0

        async def recall(query: Query) -> Retrieval:
            nonlocal tokens, elapsed
            started = self._clock()
            retrieval = await self._memory.recall(query)
            elapsed += self._clock() - started
            tokens += sum(len(item.text) for item in retrieval.items) // CHARACTERS_PER_TOKEN
            return retrieval

        try:
            metrics = await self._benchmark.play(self._scope, task, recall)
        except DesignError as error:
            return TaskResult(task.id, task.cluster, {}, tokens, elapsed * 1000, str(error))
        return TaskResult(task.id, task.cluster, metrics, tokens, elapsed * 1000)

    async def _control(self, task: Task, recall: Recall) -> float:
        try:
            return (await self._benchmark.play(self._scope, task, recall)).get(self._benchmark.primary, 0.0)
        except DesignError:
            return 0.0

    def _controls(self, blank: EvaluatedMemory, other: Task) -> dict[str, Recall]:
        """What a score means little without: no memory, the empty one, chance, the newest, another task's answer."""

        async def none(_: Query) -> Retrieval:
            return Retrieval()

        async def chance(query: Query) -> Retrieval:
            return _of(self._random.sample(self._seen, min(query.limit, len(self._seen))))

        async def newest(query: Query) -> Retrieval:
            return _of(self._seen[: -query.limit - 1 : -1])

        async def shuffled(_: Query) -> Retrieval:
            return await self._memory.recall(other.query)

        return {"no_memory": none, "empty": blank.recall, "random": chance, "most_recent": newest, "shuffled": shuffled}

    def _baselines(self, task: Task) -> dict[str, float]:
        """What the benchmark itself can say of simple answers that are no retrieval of experiences."""
        benchmark = self._benchmark
        return {"most_popular": benchmark.popular(self._scope, task)} if isinstance(benchmark, KnowsPopular) else {}


def _tasks(scope: Scope) -> list[Task]:
    return [moment for moment in scope.moments if isinstance(moment, Task)]


def _of(experiences: Sequence[Experience]) -> Retrieval:
    return Retrieval(tuple(MemoryItem(each.text, 0.0, (each.id,)) for each in experiences))


def _means(controls: Sequence[dict[str, list[float]]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in controls for name in each)
    pooled = {name: [score for each in controls for score in each.get(name, ())] for name in names}
    return {name: math.fsum(scores) / len(scores) for name, scores in pooled.items()}
