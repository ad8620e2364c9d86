"""The candidates of a run, several of them in flight; killed anywhere, it goes on where it was.

Candidate n is begun when n - `at_once` and all before it are judged, and knows no more than those and the designs that
the run began with. So what it makes is a function of the settings, and never of which of its siblings was quicker.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alma_mcp.design_store import Design
from alma_mcp.errors import BudgetSpent
from evolve.archive import Archive, Cost, Run
from evolve.benchmarks import Benchmark
from evolve.budget import Budget
from evolve.config import SearchSettings
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Verdict
from evolve.meta.desk import StepDesk, Worth
from evolve.playing import all_of
from evolve.round import Place, Round
from evolve.seen import Seen, seen_of
from evolve.watching import Outlook, Stage, Watcher


@dataclass(slots=True)
class Flight:
    """One candidate on its way. `design` is there once it is proposed, unless nothing usable came."""

    place: Place
    proposed: asyncio.Event = field(default_factory=asyncio.Event)
    judged: asyncio.Event = field(default_factory=asyncio.Event)
    design: Design | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The candidates of one run. `stopped` says whether a person wants it to end once what is in flight is through."""

    run: Run
    settings: SearchSettings
    archive: Archive
    benchmark: Benchmark
    laboratory: Laboratory
    work: Round
    budget: Budget
    worth: Worth
    watcher: Watcher
    stopped: Callable[[], bool]

    async def through(self) -> bool:
        """Plant the seeds, then make every candidate that is not there yet; False where a person has ended it before.

        Raises `BudgetSpent` at a ceiling, `EvolveError`, `HostError`; what was done until then is kept.
        """
        flights = [Flight(place) for place in self.places()]
        done = [flight for flight in flights if self._outcome(flight.place)]
        rounds, proposer = self.run.rounds, self.work.proposer.name
        self.watcher.begins(Outlook(self.benchmark.name, proposer, rounds, len(flights), len(done)))
        await self._plant()
        ends: list[BudgetSpent | None] = []
        await all_of([self._fly(number, flights, ends) for number in range(len(flights))])
        if spent := next((each for each in ends if each), None):
            raise spent
        return not ends

    def places(self) -> list[Place]:
        """Every candidate of the run, in its order, the controls spread evenly among them."""
        every, share = self.settings.candidates, self.settings.control
        controls = [int((number + 1) * share) > int(number * share) for number in range(self.run.rounds * every)]
        return [
            Place(self.run, number // every + 1, number % every + 1, self.settings.seed, control)
            for number, control in enumerate(controls)
        ]

    async def _plant(self) -> None:
        """Evaluate the seeds that are not evaluated yet."""
        for name in self.settings.seeds:
            design = self.archive.store.find(name)
            step = f"seed {name}"
            if self.archive.verdict(design.id, self.benchmark.name, "search") is None:
                spend = lambda cost, step=step: self.work.spend(step, cost)  # noqa: E731 - bound to its seed
                verdict = await self.work.judge(design, Seen((), {}), spend, self._moves(step))
                self.archive.judge(design.id, self.benchmark.name, "search", verdict)
                self.watcher.became(step, design.name, verdict)

    async def _fly(self, number: int, flights: Sequence[Flight], ends: list[BudgetSpent | None]) -> None:
        """Make one candidate, unless the run ends before; then it is as if it had not been begun."""
        flight = flights[number]
        begun = max(0, number + 1 - self.settings.at_once)
        try:
            for before in flights[:begun]:
                await before.judged.wait()
            if ends or self.stopped():
                ends.append(None)
                return
            if outcome := self._outcome(flight.place):
                design = str(outcome.get("design", ""))
                flight.design = self.archive.design(self.archive.entry(design)) if design else None
                return
            await self._make(flight, flights[:begun], flights[begun:number])
        except BudgetSpent as spent:
            ends.append(spent)
        finally:
            flight.proposed.set()
            flight.judged.set()

    async def _make(self, flight: Flight, before: Sequence[Flight], siblings: Sequence[Flight]) -> None:
        place, moves = flight.place, self._moves(flight.place.step)
        seen = self._seen(before)
        others = [self.archive.design(entry) for entry in seen.entries if entry.id not in seen.rejected]
        instant = self.settings.proposer.kind == "recombine"
        journal = self.archive.journal
        desk = StepDesk(
            journal, place.run, place.step, self.budget, self.laboratory, others, self.worth, strict=not instant
        )
        moves("proposing", 0, 0)
        drafts = await _drafts(siblings) if instant else []
        proposed = await self.work.propose(place, seen, [each.place.step for each in before], drafts, desk)
        verdict: Verdict
        flight.design = proposed.design
        flight.proposed.set()
        if proposed.rejection:
            verdict = proposed.rejection
        else:
            assert proposed.design
            moves("verifying", 0, 0)
            new = await _new_among(siblings, proposed.design)
            verdict = await self.work.become(place, proposed.design, seen, new, desk, moves)
        self.work.keep(place, seen, flight.design, verdict)
        self._finished(place)
        self.watcher.became(place.step, flight.design.name if flight.design else "", verdict)

    def _seen(self, before: Sequence[Flight]) -> Seen:
        made = [flight.design.id for flight in before if flight.design]
        return seen_of(self.archive, self.benchmark.name, [*self.run.known, *made])

    def _outcome(self, place: Place) -> Mapping[str, Any] | None:
        """What became of a candidate, if it is through."""
        recorded = self.archive.journal.recorded(place.run, place.step)
        return recorded if recorded and "outcome" in recorded else None

    def _moves(self, step: str) -> Callable[[Stage, int, int], None]:
        def moves(stage: Stage, done: int, total: int) -> None:
            self.watcher.moves(step, stage, done, total)
            self.watcher.spent(self.budget.spending)

        return moves

    def _finished(self, place: Place) -> None:
        """Write down the time, and every round that is through with all before it; the last one only with the race."""
        self.work.spend(place.step, Cost("search", "", seconds=self.budget.lap()))
        open_rounds = [each.round for each in self.places() if not self._outcome(each)]
        through = min(open_rounds, default=self.run.rounds) - 1
        self.archive.journal.finish_round(place.run, through)


async def _drafts(siblings: Sequence[Flight]) -> list[Design]:
    """What the siblings in flight have proposed; to wait for that is nothing where a proposal takes no time."""
    for sibling in siblings:
        await sibling.proposed.wait()
    return [sibling.design for sibling in siblings if sibling.design]


async def _new_among(siblings: Sequence[Flight], design: Design) -> list[Design]:
    """What the siblings in flight before a design have proposed; one that is the same design is judged first."""
    others = []
    for sibling in siblings:
        await sibling.proposed.wait()
        if sibling.design and sibling.design.id == design.id:
            await sibling.judged.wait()
        elif sibling.design:
            others.append(sibling.design)
    return others
