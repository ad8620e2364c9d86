"""Evaluate a design on a benchmark: the same projection and host that serve it in production."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from alma_mcp.design_store import Design
from alma_mcp.errors import DesignError
from evolve.benchmarks import Benchmark, Prepares, Scope, Split
from evolve.book import Book
from evolve.evaluated_memory import Laboratory, open_memory
from evolve.evaluation import Evaluation, Rejection, Verdict
from evolve.playing import Playing, Playthrough, all_of, part_of, tasks_of

SCOPES_AT_ONCE = 2

Progress = Callable[[int, int], None]


async def evaluate(
    design: Design,
    benchmark: Benchmark,
    split: Split,
    laboratory: Laboratory,
    *,
    only: Collection[str] | None = None,
    book: Book | None = None,
    controls: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Verdict:
    """Play every task of a split with one design; those named in `only` alone, where a part is enough.

    What is in the `book` is not played again, and what is played is written there at once. Memories of which no task
    is played are not filled, and a memory that learns from what it plays plays them in their order.

    A design that fails on a task scores 0 there; one that cannot take in the experiences gets a
    `Rejection`. Faults of the machine (`HostError`, `StoreError`) are raised: they are nobody's score. A task
    that an environment or an agent's model lost is missing; the fault is raised where all of them are.
    """
    started = clock()
    if isinstance(benchmark, Prepares):
        await benchmark.prepare(split, progress)
    scopes = [part for scope in benchmark.scopes(split) if (part := part_of(scope, only))]
    tasks = [task for scope in scopes for task in tasks_of(scope)]
    done = 0

    def played() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, len(tasks))

    gate = asyncio.Semaphore(SCOPES_AT_ONCE)

    async def run(scope: Scope) -> Playthrough:
        async with gate, open_memory(design, scope.name, laboratory) as memory:
            empty = open_memory(design, scope.name, laboratory) if controls else None
            async with empty or contextlib.nullcontext() as blank:
                return await Playing(benchmark, scope, tasks, memory, blank, clock, played, book).through()

    try:
        ran = await all_of([run(scope) for scope in scopes])
    except DesignError as error:
        return Rejection(design.id, "collection", str(error), "\n".join(getattr(error, "__notes__", ())))
    lost = [each for through in ran for each in through.lost]
    results = [result for through in ran for result in through.results]
    if lost and not results:
        raise lost[0][1]
    return Evaluation(
        design=design.id,
        name=design.name,
        benchmark=benchmark.name,
        split=split,
        primary=benchmark.primary,
        results=results,
        control_scores=_by_task([through.controls for through in ran]),
        missing=[task for task, _ in lost],
        unanswered=sum(through.unanswered for through in ran),
        asked=sum(through.asked for through in ran),
        asked_tokens_in=sum(through.asked_tokens_in for through in ran),
        asked_tokens_out=sum(through.asked_tokens_out for through in ran),
        memory_bytes=max((through.memory_bytes for through in ran), default=0),
        state_bytes=max((through.state_bytes for through in ran), default=0),
        seconds=clock() - started,
    )


def _by_task(controls: Sequence[Mapping[str, Sequence[tuple[str, float]]]]) -> dict[str, dict[str, float]]:
    """The mean score of each task under each control."""
    names = dict.fromkeys(name for each in controls for name in each)
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    for each in controls:
        for name, pairs in each.items():
            for task, score in pairs:
                scores[name].setdefault(task, []).append(score)
    return {
        name: {task: math.fsum(values) / len(values) for task, values in by_task.items()}
        for name, by_task in scores.items()
    }
