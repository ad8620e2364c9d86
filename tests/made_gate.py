"""A benchmark whose tasks a design knows or does not, and the gate over it."""

import asyncio

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.design_store import Design
from evolve.benchmarks import Played, Scope, Task, ranked_experiences
from evolve.config import GateSettings
from evolve.errors import InfrastructureFault
from evolve.gate import Gate

PATIENT = GateSettings(latency_ratio=1000)

KNOWS = """
from alma_mcp.contract import Memory, MemoryItem, Retrieval


class Knows(Memory):
    async def retrieve(self, query):
        return Retrieval(tuple(MemoryItem("x", 1.0, (each,)) for each in {answers!r}.get(query.text, ())))
"""


def knowing(*tasks, name="knows"):
    """A design that gives the right answer to these tasks of `Made`, and nothing to others."""
    return Design(KNOWS.format(answers={task: [f"answer to {task}"] for task in tasks}), name)


class Made:
    """One memory, and tasks whose answer a design knows or does not. Some plays are lost or slow if asked for."""

    name = "made"
    primary = "found"

    def __init__(self, tasks=30, seeds=1, kinds=("",), *, learning=False, lose=lambda *_: False, slow=lambda _: False):
        self.ids = [f"t{number:02d}" for number in range(tasks)]
        self.seeds, self.kinds, self.learning, self.lose, self.slow = seeds, kinds, learning, lose, slow
        self.played = []

    def scopes(self, split):
        known = Experience("e", steps=(Step("user", "something"),))
        tasks = [
            Task(each, Query(each), frozenset({f"answer to {each}"}), each, self.kinds[number % len(self.kinds)], seed)
            for seed in range(self.seeds)
            for number, each in enumerate(self.ids)
        ]
        return [Scope("made", [known, *tasks], learning=self.learning, controls=("no_memory", "empty"))]

    async def play(self, scope, task, recall):
        found = ranked_experiences(await recall(task.query))
        for _ in range(200 if self.slow(found) else 1):
            await asyncio.sleep(0)
        self.played.append((task.id, task.seed, found))
        if self.lose(task.id, task.seed):
            raise InfrastructureFault("The provider is away.")
        found_it = float(bool(task.answer & set(found)))
        return Played({"found": found_it, "agent_tokens_in": 5.0, "agent_tokens_out": 2.0}, trace=task.id)


def gate_of(archive, benchmark, laboratory, settings=PATIENT):
    return Gate(archive, benchmark, laboratory, settings)
