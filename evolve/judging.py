"""How a search evaluates: the cascade of its stages, each result kept at once, each episode counted."""

from collections.abc import Callable
from dataclasses import dataclass

from alma_mcp.design_store import Design
from evolve.archive import Archive, Cost
from evolve.benchmarks import Benchmark
from evolve.benchmarks.episodic import Episodic
from evolve.cascade import CascadeSettings, Plan, learning_order, plan, play_cascade
from evolve.cascade.race import race
from evolve.evaluation import Evaluation, Verdict
from evolve.gate import FINALISTS
from evolve.metered import CostedBook, Meter, MeteredRunner
from evolve.playing import tasks_of
from evolve.runners import Job, Runner
from evolve.seen import Seen
from evolve.watching import Stage

Moves = Callable[[Stage, int, int], None]
"""Told which stage a candidate is at, and how many of how many tasks of it are played."""


Spend = Callable[[Cost], None]


@dataclass(frozen=True, slots=True)
class Judging:
    """What every candidate of a run is evaluated with."""

    archive: Archive
    benchmark: Benchmark
    runner: Runner
    meter: Meter
    settings: CascadeSettings
    seed: int

    async def evaluate(self, design: Design, seen: Seen, spend: Spend, moves: Moves) -> Verdict:
        """As many stages as a design survives beside the best that was seen; all of them where there is none."""
        runner = MeteredRunner(self.runner, self.meter, spend)
        return await play_cascade(design, self._plan(seen), seen.incumbent, runner, self._book(design.id, spend), moves)

    async def race(self, seen: Seen, spend: Spend) -> dict[str, Evaluation]:
        """What became of all that were evaluated, once those that may be finalists have played on."""
        runner = MeteredRunner(self.runner, self.meter, spend)
        designs = {entry.id: self.archive.design(entry) for entry in seen.entries}

        async def resume(design: str, tasks: frozenset[str]) -> Verdict:
            book = self._book(design, spend)
            known = tuple(entry for entry in book.entries() if entry.result.task in tasks)
            return await runner.play(Job(designs[design], "search", tasks, known), book.keep)

        return await race(seen.evaluations, self._plan(seen).order, FINALISTS, self.settings, resume)

    def _plan(self, seen: Seen) -> Plan:
        scopes = self.benchmark.scopes("search")
        tasks = {task.id: task.cluster for scope in scopes for task in tasks_of(scope)}
        matrix = [each.scores for each in seen.evaluations.values() if not each.eliminated]
        return plan(tasks, matrix, self.settings, self.seed, learning_order(scopes))

    def _book(self, design: str, spend: Spend) -> CostedBook:
        agent = self.meter.agent if isinstance(self.benchmark, Episodic) else ""
        own = self.archive.book(design, self.benchmark.name, "search", agent)
        return CostedBook(self.archive, own, self.meter, spend)
