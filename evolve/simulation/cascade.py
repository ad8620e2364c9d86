"""The cascade where the truth is known: what it saves, and whether it chooses what whole evaluations choose.

A stream of candidates is fixed beforehand, with what each scores on every task. It is judged twice, by the same rules
as a real search: with every candidate played whole, and with `play_cascade` and, at the end, the `race`.
"""

import asyncio
import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from alma_mcp.design_store import Design
from evolve.book import Booked
from evolve.cascade import CascadeSettings, Plan, plan, play_cascade
from evolve.cascade.race import race
from evolve.evaluation import Evaluation, TaskResult, Verdict
from evolve.gate import FINALISTS
from evolve.runners import Job, Keep
from evolve.selection import SAMPLERS
from evolve.simulation import TERRAINS, drawn_tasks, planted, searched
from evolve.watching import Stage

SEEDS = 4
CANDIDATES = 40
TASKS = 120
CLUSTERS = 10
STREAMING = ("clade_thompson", "alma")
STREAMS = len(TERRAINS) * len(STREAMING) * 2
"""Of each seed."""

HELD_OUT = 1000
"""The settings were chosen on the seeds from 0 on; figures are of the seeds from here on."""

PRIMARY = "solved"


@dataclass(frozen=True, slots=True)
class Stream:
    """Designs in the order they came, the first `seeds` there from the beginning, and what each scores.

    `search` holds the scores by design and task, `validation` the mean scores; `clusters` belongs to the tasks.
    """

    seeds: int
    clusters: Mapping[str, str]
    search: Mapping[str, Mapping[str, float]]
    validation: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Saved:
    """What candidates cost in episodes, and whether the final choice was the same. Seeds are played whole anyway."""

    whole: int
    cascade: int
    same: bool


@dataclass(slots=True)
class Replay:
    """Implements `Runner`: looks up what a design scores, and counts what is new."""

    stream: Stream
    episodes: int = 0
    width: int = 1

    async def play(self, job: Job, keep: Keep) -> Verdict:
        known = {entry.result.task: entry.result for entry in job.known}
        scores, results = self.stream.search[job.design.source], []
        for task in sorted(job.only or scores):
            if task not in known:
                self.episodes += 1
                known[task] = TaskResult(task, self.stream.clusters[task], {PRIMARY: scores[task]}, 0, 0.0)
                keep(Booked(known[task]))
            results.append(known[task])
        return Evaluation(job.design.id, job.design.name, "simulated", "search", PRIMARY, results)


@dataclass(slots=True)
class Pages:
    """Implements `cascade.Entries` in memory."""

    kept: list[Booked] = field(default_factory=list)

    def entries(self) -> Sequence[Booked]:
        return self.kept

    def keep(self, entry: Booked) -> None:
        self.kept.append(entry)


def stream(
    terrain: str, sampler: str, seed: int, tasks: int = TASKS, candidates: int = CANDIDATES, *, repeatable: bool = False
) -> Stream:
    """The path of a search that plays everything whole. The clusters of its tasks say nothing about them.

    Where `repeatable`, designs that are equally good on a task come to the same there; else each play has its own luck.
    """
    landscape, chance = planted(TERRAINS[terrain], seed), random.Random(seed)
    luck = np.random.default_rng(chance.getrandbits(64))
    search, validation = (drawn_tasks(landscape, tasks, luck, repeatable=repeatable) for _ in range(2))
    found = searched(landscape, SAMPLERS[sampler], SEEDS - 1 + candidates, chance, search, luck, SEEDS - 1)
    chances = {each.design: landscape.chances(design) for design, each in found.items()}
    return Stream(
        SEEDS,
        {str(task): str(luck.integers(CLUSTERS)) for task in range(tasks)},
        {each.design: each.tasks for each in found.values()},
        {design: float(validation.play(each, luck).mean()) for design, each in chances.items()},
    )


def judged_twice(stream: Stream, settings: CascadeSettings, at_once: int = 1) -> Saved:
    """The same stream, played whole and through the cascade; `at_once` candidates know nothing of each other."""
    replay = Replay(stream)
    found = asyncio.run(_cascaded(stream, settings, replay, at_once))
    means = {design: float(np.mean(list(scores.values()))) for design, scores in stream.search.items()}
    finished = [design for design, each in found.items() if not each.eliminated]
    tasks = len(stream.clusters)
    same = _choice(stream, means, finished) == _choice(stream, means, list(stream.search))
    return Saved(tasks * (len(stream.search) - stream.seeds), replay.episodes - tasks * stream.seeds, same)


def streams(seeds: Iterable[int], tasks: int = TASKS) -> Iterator[Stream]:
    """Of every seed `STREAMS`: three terrains, two samplers, and results that repeat or that do not."""
    for seed, terrain, sampler, repeatable in itertools.product(seeds, TERRAINS, STREAMING, (True, False)):
        yield stream(terrain, sampler, seed, tasks, repeatable=repeatable)


def saving(results: Iterable[Saved]) -> tuple[float, float]:
    """How many times fewer episodes the cascade took over all of them, and the share with the same final choice."""
    all_of_them = list(results)
    times = sum(each.whole for each in all_of_them) / sum(each.cascade for each in all_of_them)
    return times, sum(each.same for each in all_of_them) / len(all_of_them)


async def _cascaded(
    stream: Stream, settings: CascadeSettings, replay: Replay, at_once: int
) -> Mapping[str, Evaluation]:
    found: dict[str, Evaluation] = {}
    books = {source: Pages() for source in stream.search}
    sources = list(stream.search)
    plans = Plans(stream, settings)
    for number, source in enumerate(sources):
        seen = sources[: max(stream.seeds, number + 1 - at_once)] if number >= stream.seeds else []
        whole = {each: found[each] for each in seen if not found[each].eliminated}
        incumbent = max(whole.values(), key=lambda each: each.mean, default=None)
        planned = plans.after(whole)
        verdict = await play_cascade(Design(source, source), planned, incumbent, replay, books[source], _unseen)
        assert isinstance(verdict, Evaluation)
        found[source] = verdict

    async def resume(source: str, only: frozenset[str]) -> Verdict:
        job = Job(Design(source, source), "search", only, tuple(books[source].entries()))
        return await replay.play(job, books[source].keep)

    order = plans.after({each: found[each] for each in sources if not found[each].eliminated}).order
    return await race({source: found[source] for source in sources[1:]}, order, FINALISTS, settings, resume)


@dataclass(slots=True)
class Plans:
    """Plans by the designs that have played everything, each made once."""

    stream: Stream
    settings: CascadeSettings
    made: dict[frozenset[str], Plan] = field(default_factory=dict)

    def after(self, whole: Mapping[str, Evaluation]) -> Plan:
        key = frozenset(whole)
        if key not in self.made:
            rows = [each.scores for each in whole.values()]
            self.made[key] = plan(self.stream.clusters, rows, self.settings, 0)
        return self.made[key]


def _unseen(stage: Stage, done: int, total: int) -> None:
    """Nobody looks on."""


def _choice(stream: Stream, means: Mapping[str, float], designs: Sequence[str]) -> str:
    """The gate's challenger: of three finalists by the search split, the best on validation. Never the blank design."""
    blank = next(iter(stream.search))
    ranked = sorted((each for each in designs if each != blank), key=lambda each: -means[each])
    return max(ranked[:FINALISTS], key=lambda each: stream.validation[each])
