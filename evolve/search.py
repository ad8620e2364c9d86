"""A search put together: the archive it fills, the run it goes on with, its budget, who proposes and who plays."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from evolve.archive import Archive, Cost, Run
from evolve.benchmarks import Benchmark, Prepares
from evolve.benchmarks.episodic import Episodic
from evolve.budget import Budget, Ceilings
from evolve.cascade import CascadeSettings as Stages
from evolve.config import MAY_CHANGE, SearchSettings
from evolve.endpoints.prices import Prices
from evolve.evaluated_memory import Laboratory
from evolve.judging import Judging
from evolve.laboratory import memory_model
from evolve.meta.brief import Proposer
from evolve.meta.briefing import Briefing, Witness
from evolve.meta.lessons import forbidden
from evolve.metered import Meter
from evolve.pipeline import Pipeline
from evolve.playing import tasks_of
from evolve.round import Round
from evolve.runners import Runner
from evolve.seen import seen_of
from evolve.selection import SAMPLERS
from evolve.watching import Watcher

RACE = "race"
"""The step of what is played when all candidates are through."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a search works with. `stopped` says whether a person wants it to end once what is in flight is through."""

    archive: Archive
    benchmark: Benchmark
    laboratory: Laboratory
    runner: Runner
    proposer: Proposer
    prices: Prices
    witness: Witness | None = None
    stopped: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.time


async def search(settings: SearchSettings, rounds: int, means: Means, watcher: Watcher) -> Run:
    """Run so many rounds, or what is left of an unfinished run of the same settings.

    When all candidates are through, those that may be finalists play on until that is settled. Raises `BudgetSpent`,
    `EvolveError`, `HostError`; what was done until then is kept.
    """
    archive, benchmark = means.archive, means.benchmark
    if isinstance(benchmark, Prepares):
        await benchmark.prepare("search", partial(watcher.moves, "collection", "proposing"))
    run = begin(settings, rounds, means)
    budget = Budget(Ceilings(**settings.budget.model_dump()), [cost for _, cost in archive.journal.costs(run)])

    def spend(step: str, cost: Cost) -> None:
        archive.journal.spend(run, step, cost)
        budget.spend(cost)

    play = settings.play
    scopes = benchmark.scopes("search")
    plays = Counter(task.id for scope in scopes for task in tasks_of(scope))
    meter = Meter(play.agent, memory_model(play), plays, means.prices.dollars, budget)
    judging = Judging(archive, benchmark, means.runner, meter, _stages(settings, benchmark), settings.seed)
    secret = forbidden(scopes)
    briefing = Briefing(archive, benchmark.name, SAMPLERS[settings.sampler], means.witness)
    work = Round(archive, briefing, means.proposer, judging.evaluate, spend, secret, means.clock)
    worth = lambda who, tokens: means.prices.dollars(who, 0, tokens) or 0.0  # noqa: E731 - the most it can be
    pipeline = Pipeline(
        run, settings, archive, benchmark, means.laboratory, work, budget, worth, watcher, means.stopped
    )
    if await pipeline.through():
        seen = seen_of(archive, benchmark.name, [entry.id for entry in archive.entries()])
        settled = await judging.race(seen, partial(spend, RACE))
        with archive.transaction():
            for design, evaluation in settled.items():
                archive.judge(design, benchmark.name, "search", evaluation)
            archive.journal.finish_round(run, run.rounds)
    return archive.journal.run(run.id)


def _stages(settings: SearchSettings, benchmark: Benchmark) -> Stages:
    given = settings.cascade.model_dump()
    chunk = given.pop("chunk") or (Stages().chunk if isinstance(benchmark, Episodic) else 1.0)
    return Stages(**given, chunk=chunk)


def begin(settings: SearchSettings, rounds: int, means: Means) -> Run:
    """The unfinished run of these settings, or a new one that begins with all designs that are there now."""
    archive = means.archive
    for name in (*settings.seeds, *settings.donors):
        archive.add(archive.store.find(name), "seed", "", (), means.clock())
    known = [entry.id for entry in archive.entries()]
    return archive.journal.begin(settings.model_dump_json(exclude=set(MAY_CHANGE)), rounds, means.benchmark.name, known)
