import asyncio
from collections.abc import Mapping, Sequence

from fakes import WORDS, FakeHost

from alma_mcp.contract import Experience, Query, Step
from evolve.benchmarks import Recall, Scope, Split, Task
from evolve.evaluate import evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Rejection


class OneIsIndigestible:
    """Two memories at once: one is played without end, the other cannot take in its second experience."""

    name = "made"
    primary = "found"

    def scopes(self, split: Split) -> Sequence[Scope]:
        return [_scope("long", 1), _scope("broken", 2)]

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Mapping[str, float]:
        await recall(task.query)
        await asyncio.Event().wait()
        raise AssertionError


def _scope(name: str, experiences: int) -> Scope:
    taken_in = [Experience(f"{name}{number}", steps=(Step("user", name),)) for number in range(experiences)]
    return Scope(name, [*taken_in, Task(name, Query(name), frozenset({f"{name}0"}), name)])


async def test_a_rejected_design_leaves_no_worker_behind():
    host = FakeHost(indigestible={2})
    verdict = await asyncio.wait_for(evaluate(WORDS, OneIsIndigestible(), "all", Laboratory(host, None)), 10)
    assert isinstance(verdict, Rejection)
    assert len(host.workers) == 2
    assert host.running == 0
    assert len(asyncio.all_tasks()) == 1
