"""One scope played through: what is remembered taken in, each task played beside its controls."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from alma_mcp.contract import Experience, MemoryItem, Query, Retrieval
from alma_mcp.errors import DesignError
from alma_mcp.token_budget import CHARACTERS_PER_TOKEN
from evolve.benchmarks import Benchmark, Control, Feedback, KnowsPopular, Played, Recall, Scope, Task
from evolve.book import Book, Booked, Leaf
from evolve.errors import InfrastructureFault
from evolve.evaluated_memory import EvaluatedMemory
from evolve.evaluation import TaskResult

T = TypeVar("T")


@dataclass(slots=True)
class Playthrough:
    """What came of a scope. `controls` holds (task, score) pairs by the name of the control.

    `lost` are tasks that could not be measured, each with the reason: they are missing, not zeros. `unanswered`
    counts what the design asked of a model where there was none, `asked` what was answered, for so many tokens.
    `memory_bytes` and `state_bytes` are what the filled memory took of main memory and of the disk.
    """

    results: list[TaskResult] = field(default_factory=list)
    controls: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    lost: list[tuple[str, InfrastructureFault]] = field(default_factory=list)
    unanswered: int = 0
    asked: int = 0
    asked_tokens_in: int = 0
    asked_tokens_out: int = 0
    memory_bytes: int = 0
    state_bytes: int = 0


class Playing:
    """Plays one scope. `tasks` are those of all scopes, to borrow from where this one has a single task."""

    def __init__(
        self,
        benchmark: Benchmark,
        scope: Scope,
        tasks: Sequence[Task],
        memory: EvaluatedMemory,
        blank: EvaluatedMemory | None,
        clock: Callable[[], float],
        played: Callable[[], None],
        book: Book | None = None,
    ) -> None:
        self._benchmark = benchmark
        self._scope = scope
        self._tasks = tasks
        self._memory = memory
        self._blank = blank
        self._clock = clock
        self._played = played
        self._book = book or Leaf()
        self._seen: list[Experience] = []
        self._random = random.Random(scope.name)
        self._through = Playthrough()

    async def through(self) -> Playthrough:
        for is_task, moments in itertools.groupby(self._scope.moments, lambda moment: isinstance(moment, Task)):
            if is_task:
                await self._play_all([moment for moment in moments if isinstance(moment, Task)])
            else:
                for moment in moments:
                    await self._take_in(moment)
        order = {(task.id, task.seed): place for place, task in enumerate(tasks_of(self._scope))}
        self._through.results.sort(key=lambda result: order[result.task, result.seed])
        spent = self._memory.spent
        self._through.unanswered, self._through.asked = spent.unanswered, spent.calls
        self._through.asked_tokens_in, self._through.asked_tokens_out = spent.tokens_in, spent.tokens_out
        self._through.memory_bytes, self._through.state_bytes = self._memory.memory_bytes, self._memory.state_bytes
        return self._through

    async def _take_in(self, moment: Experience | Feedback | Task) -> None:
        assert not isinstance(moment, Task)
        if isinstance(moment, Experience):
            self._seen.append(moment)
        await self._memory.take_in(moment)

    async def _play_all(self, tasks: Sequence[Task]) -> None:
        await self._memory.follow()
        own = tasks_of(self._scope)
        others = own if len(own) > 1 else [task for task in self._tasks if task not in own] or own
        if self._scope.learning or self._scope.at_once == 1:
            for task in tasks:
                await self._play_beside_controls(task, others)
            return
        gate = asyncio.Semaphore(self._scope.at_once)

        async def one(task: Task) -> None:
            async with gate:
                await self._play_beside_controls(task, others)

        await all_of([one(task) for task in tasks])

    async def _play_beside_controls(self, task: Task, others: Sequence[Task]) -> None:
        controls = self._controls(self._blank, self._random.choice(others)) if self._blank else {}
        result, experience = await self._measure(task)
        if result is not None:
            self._through.results.append(result)
            for name, recall in controls.items():
                await self._play_control(name, task, recall)
            if self._blank:
                self._baselines(task)
        if self._scope.learning and experience is not None:
            await self._take_in(experience)
            await self._memory.follow()
        self._played()

    async def _measure(self, task: Task) -> tuple[TaskResult | None, Experience | None]:
        if known := self._book.known(task.id, task.seed):
            return known.result, known.experience
        tokens = 0
        elapsed = 0.0

        async def recall(query: Query) -> Retrieval:
            nonlocal tokens, elapsed
            started = self._clock()
            retrieval = await self._memory.recall(query)
            elapsed += self._clock() - started
            tokens += sum(len(item.text) for item in retrieval.items) // CHARACTERS_PER_TOKEN
            return retrieval

        failed, played = "", Played({})
        try:
            played = await self._benchmark.play(self._scope, task, recall)
        except DesignError as error:
            failed = str(error)
        except InfrastructureFault as fault:
            self._through.lost.append((task.id, fault))
            return None, None
        result = TaskResult(
            task.id, task.cluster, played.metrics, tokens, elapsed * 1000, failed, task.seed, played.trace
        )
        self._book.keep(Booked(result, played.experience))
        return result, played.experience

    async def _play_control(self, name: Control, task: Task, recall: Recall) -> None:
        """Its result stands in the book under a name of its own."""
        booked = f"{task.id} [{name}]"
        known = self._book.known(booked, task.seed)
        result = known.result if known else await self._controlled(booked, task, recall)
        if result:
            score = result.metrics.get(self._benchmark.primary, 0.0)
            self._through.controls.setdefault(name, []).append((task.id, score))

    async def _controlled(self, booked: str, task: Task, recall: Recall) -> TaskResult | None:
        failed, played = "", Played({})
        try:
            played = await self._benchmark.play(self._scope, task, recall)
        except DesignError as error:
            failed = str(error)
        except InfrastructureFault:
            return None
        result = TaskResult(booked, task.cluster, played.metrics, 0, 0.0, failed, task.seed, played.trace)
        self._book.keep(Booked(result))
        return result

    def _controls(self, blank: EvaluatedMemory, other: Task) -> dict[Control, Recall]:
        """What a score means little without: no memory, the empty one, chance, the newest, another task's answer."""

        async def none(_: Query) -> Retrieval:
            return Retrieval()

        async def chance(query: Query) -> Retrieval:
            return _of(self._random.sample(self._seen, min(query.limit, len(self._seen))))

        async def newest(query: Query) -> Retrieval:
            return _of(self._seen[: -query.limit - 1 : -1])

        async def shuffled(_: Query) -> Retrieval:
            return await self._memory.recall(other.query)

        every: dict[Control, Callable[[Query], Awaitable[Retrieval]]] = {
            "no_memory": none, "empty": blank.recall, "random": chance, "most_recent": newest, "shuffled": shuffled,
        }  # fmt: skip
        return {name: recall for name, recall in every.items() if name in self._scope.controls}

    def _baselines(self, task: Task) -> None:
        """What the benchmark itself can say of simple answers that are no retrieval of experiences."""
        if isinstance(self._benchmark, KnowsPopular):
            score = self._benchmark.popular(self._scope, task)
            self._through.controls.setdefault("most_popular", []).append((task.id, score))


async def all_of(runs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them give; where one fails, the others have ended, workers and all, before it is raised."""
    tasks = [asyncio.create_task(each) for each in runs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def part_of(scope: Scope, only: Collection[str] | None) -> Scope | None:
    """A scope up to the last of these tasks, and with these tasks alone unless it learns from all that it plays; None
    where it has none of them.
    """
    if only is None:
        return scope
    wanted = [place for place, each in enumerate(scope.moments) if isinstance(each, Task) and each.id in only]
    if not wanted:
        return None
    moments = scope.moments[: wanted[-1] + 1]
    if not scope.learning:
        moments = [each for each in moments if not isinstance(each, Task) or each.id in only]
    return replace(scope, moments=moments)


def tasks_of(scope: Scope) -> list[Task]:
    """The tasks of a scope, in their order."""
    return [moment for moment in scope.moments if isinstance(moment, Task)]


def _of(experiences: Sequence[Experience]) -> Retrieval:
    return Retrieval(tuple(MemoryItem(each.text, 0.0, (each.id,)) for each in experiences))
