"""The search: seeds first, then round after round; killed anywhere, it goes on where it was."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from evolve.archive import Archive
from evolve.benchmarks import Benchmark
from evolve.config import SearchSettings
from evolve.evaluate import Progress, evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Verdict
from evolve.propose import Proposer
from evolve.round import Place, Round
from evolve.selection import SAMPLERS


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks on: told what is worked on, how far it is, and what became of it."""

    working_on: Callable[[str], None]
    progress: Progress
    became: Callable[[str, Verdict], None]


async def search(
    settings: SearchSettings,
    rounds: int,
    archive: Archive,
    benchmark: Benchmark,
    laboratory: Laboratory,
    proposer: Proposer,
    watcher: Watcher,
    clock: Callable[[], float] = time.time,
) -> None:
    """Run so many rounds, or what is left of an unfinished run of the same settings.

    Raises `BudgetSpent`, `EvolveError`, `HostError`; what was done until then is kept.
    """
    await plant(settings, archive, benchmark, laboratory, watcher, clock)
    run = archive.begin(settings.model_dump_json(), rounds)
    sampler = SAMPLERS[settings.sampler]
    work = Round(archive, benchmark, laboratory, proposer, sampler, clock)
    for number in range(run.done + 1, run.rounds + 1):
        for candidate in range(1, settings.candidates + 1):
            place = Place(run, number, candidate, settings.seed)
            title = f"round {number} of {run.rounds}, candidate {candidate} of {settings.candidates}"
            watcher.working_on(title)
            watcher.became(title, await work.candidate(place, watcher.progress))
        archive.finish_round(run, number)


async def plant(
    settings: SearchSettings,
    archive: Archive,
    benchmark: Benchmark,
    laboratory: Laboratory,
    watcher: Watcher,
    clock: Callable[[], float],
) -> None:
    """Put seeds and donors into the archive, and evaluate the seeds that are not evaluated yet."""
    for name in (*settings.seeds, *settings.donors):
        archive.add(archive.store.find(name), "seed", "", (), clock())
    for name in settings.seeds:
        design = archive.store.find(name)
        if archive.verdict(design.id, benchmark.name, "search") is None:
            watcher.working_on(f"seed {name}")
            verdict = await evaluate(design, benchmark, "search", laboratory, progress=watcher.progress)
            archive.judge(design.id, benchmark.name, "search", verdict)
            watcher.became(f"seed {name}", verdict)
