"""A runner whose episodes are counted against the budget, each as soon as it is played."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from evolve.archive import Archive, ArchiveBook, Cost
from evolve.book import Booked
from evolve.budget import Amount, Aside, Budget
from evolve.evaluation import Evaluation, Verdict
from evolve.runners import Job, Keep, Runner

Priced = Callable[[str, int, int], float | None]
"""Dollars that so many tokens in and out of a model cost, None where that is unknown."""


@dataclass(slots=True)
class Meter:
    """Who plays, who answers designs, how often a task is played, at which prices; and the dearest episode so far."""

    agent: str
    model: str
    plays: Mapping[str, int]
    priced: Priced
    budget: Budget
    dearest: Amount = field(default_factory=Amount)

    def cost(self, entry: Booked) -> Cost:
        """What an episode cost."""
        tokens = [int(entry.result.metrics.get(name, 0)) for name in ("agent_tokens_in", "agent_tokens_out")]
        dollars = self.priced(self.agent, *tokens) if any(tokens) else 0.0
        return Cost("agent", self.agent if any(tokens) else "", 0, sum(tokens), dollars, 1)

    def seen(self, cost: Cost) -> None:
        most = self.dearest
        self.dearest = Amount(0, max(most.tokens, cost.tokens), max(most.dollars, cost.dollars or 0.0))


class MeteredRunner:
    """Implements `Runner`. What a job may cost is set aside before it is played: its episodes, each as dear as the
    dearest until then. What designs have asked is written down by `spend`, episodes are by a `CostedBook`.
    """

    def __init__(self, runner: Runner, meter: Meter, spend: Callable[[Cost], None]) -> None:
        self.width = runner.width
        self._runner = runner
        self._meter = meter
        self._spend = spend

    async def play(self, job: Job, keep: Keep) -> Verdict:
        plays = self._meter.plays
        episodes = sum(plays[task] for task in (plays if job.only is None else job.only)) - len(job.known)
        each = self._meter.dearest
        wanted = Amount(0, each.tokens * episodes, each.dollars * episodes, episodes)
        with self._meter.budget.set_aside(wanted) as aside:
            verdict = await self._runner.play(job, lambda entry: self._count(entry, keep, aside))
        if isinstance(verdict, Evaluation) and verdict.asked:
            tokens = verdict.asked_tokens_in, verdict.asked_tokens_out
            dollars = self._meter.priced(self._meter.model, *tokens)
            self._spend(Cost("design", self._meter.model, verdict.asked, sum(tokens), dollars))
        return verdict

    def _count(self, entry: Booked, keep: Keep, aside: Aside) -> None:
        cost = self._meter.cost(entry)
        self._meter.seen(cost)
        aside.used(cost)
        keep(entry)


@dataclass(frozen=True, slots=True)
class CostedBook:
    """The book of a design in an archive, where a result is written with its cost, both or neither."""

    archive: Archive
    book: ArchiveBook
    meter: Meter
    spend: Callable[[Cost], None]

    def entries(self) -> Sequence[Booked]:
        return self.book.entries()

    def keep(self, entry: Booked) -> None:
        with self.archive.transaction():
            self.book.keep(entry)
            self.spend(self.meter.cost(entry))
