"""What a search would cost, before it is begun: at most, and by what this archive has seen so far."""

import statistics
from dataclasses import dataclass

from evolve.archive import Archive, Cost
from evolve.benchmarks.episodic import Episodic
from evolve.config import SearchSettings
from evolve.playing import tasks_of
from evolve.search import Means

DRAFTS = 3
CALLS = 2 + DRAFTS
"""To write one design: to reflect, to plan, and the drafts."""

TOKENS = 25_000
"""A call takes about so many, in and out, until one was seen."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of what is left to do. `calls`, `tokens` and `dollars` are those of writing designs; `dollars` is None where a
    price is unknown. `seen` counts the candidates that the guess of calls and tokens rests on.
    """

    candidates: int
    most_episodes: int
    collected: int
    calls: int
    tokens: int
    dollars: float | None
    seen: int

    def __str__(self) -> str:
        dollars = "at an unknown price" if self.dollars is None else f"about ${self.dollars:,.2f}"
        basis = f"as {self.seen} candidates before" if self.seen else "a guess: nothing was written here before"
        written = (
            f"about {self.calls:,} calls, {self.tokens:,} tokens, {dollars} ({basis})" if self.calls else "no model"
        )
        collected = f", beside {self.collected:,} to collect" if self.collected else ""
        return (
            f"{self.candidates:,} candidates; at most {self.most_episodes:,} episodes{collected}; to write designs:"
            f" {written}."
        )


def estimate(settings: SearchSettings, rounds: int, means: Means) -> Estimate:
    """Of so many rounds of a search; nothing is played or asked for it."""
    archive, benchmark = means.archive, means.benchmark
    unplanted = [
        name
        for name in settings.seeds
        if archive.verdict(archive.store.find(name).id, benchmark.name, "search") is None
    ]
    if isinstance(benchmark, Episodic):
        collected, tasks = benchmark.planned("search")
    else:
        collected, tasks = 0, sum(len(tasks_of(scope)) for scope in benchmark.scopes("search"))
    candidates = rounds * settings.candidates
    most = (candidates + len(unplanted)) * tasks
    if settings.proposer.kind == "recombine":
        return Estimate(candidates, most, collected, 0, 0, 0.0, 0)
    written = _written(archive)
    calls = statistics.fmean(cost.calls for cost in written) if written else CALLS
    tokens = statistics.fmean(cost.tokens for cost in written) if written else CALLS * TOKENS
    prices = [means.prices.dollars(model, int(tokens) // 2, int(tokens) // 2) for model in settings.proposer.writers]
    known = [price for price in prices if price is not None]
    dollars = candidates * max(known, default=0.0) if len(known) == len(prices) else None
    return Estimate(
        candidates, most, collected, round(candidates * calls), round(candidates * tokens), dollars, len(written)
    )


def _written(archive: Archive) -> list[Cost]:
    """What each candidate that was written cost, over all runs of the archive."""
    sums: dict[tuple[int, str], Cost] = {}
    for run in archive.journal.runs():
        for step, cost in archive.journal.costs(run):
            if cost.what == "meta":
                so_far = sums.get((run.id, step), Cost("meta", ""))
                sums[run.id, step] = Cost("meta", "", so_far.calls + cost.calls, so_far.tokens + cost.tokens)
    return list(sums.values())
