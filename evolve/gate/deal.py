"""The deal: which tasks of the gate split are played in which part."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolve.benchmarks import Benchmark, Prepares, Scope, Task
from evolve.evaluate import Progress
from evolve.gate.decision import cut
from evolve.gate.match import Play
from evolve.playing import tasks_of


@dataclass(frozen=True, slots=True)
class Deal:
    """The tasks of the gate split, by id, in the parts in which they are played."""

    scopes: Sequence[Scope]
    parts: Sequence[Sequence[str]]

    @property
    def tasks(self) -> list[Task]:
        """Every play: a task stands here once for each of its seeds."""
        return [task for scope in self.scopes for task in tasks_of(scope)]

    @property
    def planned(self) -> int:
        return sum(len(part) for part in self.parts)

    def plays(self, parts: int) -> frozenset[Play]:
        """Those of the first parts."""
        chosen = {task for part in self.parts[:parts] for task in part}
        return frozenset((task.id, task.seed) for task in self.tasks if task.id in chosen)


async def deal(benchmark: Benchmark, name: str, progress: Progress | None = None) -> Deal:
    """Deal the tasks into thirds that have as much of every cluster, in an order that depends on the `name` alone.

    Where a memory learns from what it plays there is one part only: its tasks cannot be played in another order.
    """
    if isinstance(benchmark, Prepares):
        await benchmark.prepare("gate", progress)
    scopes = benchmark.scopes("gate")
    ordered = spread({task.id: task.cluster for scope in scopes for task in tasks_of(scope)}, name)
    return Deal(scopes, [ordered] if any(scope.learning for scope in scopes) else cut(ordered))


def spread(clusters: Mapping[str, str], name: str) -> list[str]:
    """The tasks, given with their clusters, in an order whose every stretch has its share of every cluster."""
    chance = random.Random(name)
    members: dict[str, list[str]] = {}
    for task in sorted(clusters):
        members.setdefault(clusters[task], []).append(task)
    placed = []
    for cluster in sorted(members):
        tasks, start = members[cluster], chance.random()
        chance.shuffle(tasks)
        placed += [((place + start) / len(tasks), task) for place, task in enumerate(tasks)]
    return [task for _, task in sorted(placed)]
