"""Two designs on the tasks that both have played, from what is paid for already."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from evolve.archive import Archive
from evolve.compare import Comparison, compare
from evolve.evaluation import Evaluation, TaskResult

OpenSplit = Literal["search", "validation"]
OPEN_SPLITS: tuple[OpenSplit, ...] = ("search", "validation")
"""The splits that may be looked at; the gate's is not one of them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What two designs scored on one task, its mean over the seeds that both have played."""

    task: str
    first: float
    second: float

    @property
    def difference(self) -> float:
        return self.first - self.second


@dataclass(frozen=True, slots=True)
class Paired:
    """The first design minus the second. `alone` counts the tasks that only one of them has played."""

    primary: str
    comparison: Comparison
    pairs: Sequence[Pair]
    alone: tuple[int, int]


def pair_up(archive: Archive, first: Design, second: Design, benchmark: str, split: OpenSplit) -> Paired:
    """Raises `EvolveError` where they have no task in common."""
    results = [_results(archive, design, benchmark, split) for design in (first, second)]
    for design, played in zip((first, second), results, strict=True):
        if not played:
            raise EvolveError(
                f"{design.name} has no results on the {split} split of {benchmark or 'any benchmark'};"
                " `alma-evolve archive` shows what was evaluated on what."
            )
    shared = results[0].keys() & results[1].keys()
    if not shared:
        raise EvolveError(f"{first.name} and {second.name} have played no task in common on {benchmark}, {split}.")
    primary = _primary(archive, benchmark, split)
    scores = [_means(played, shared, primary) for played in results]
    clusters = {result.task: result.cluster for result in results[0].values()}
    pairs = [Pair(task, scores[0][task], scores[1][task]) for task in sorted(scores[0])]
    alone = (len(_tasks(results[0]) - scores[0].keys()), len(_tasks(results[1]) - scores[1].keys()))
    return Paired(primary, compare(scores[0], scores[1], clusters), pairs, alone)


Results = Mapping[tuple[str, int], TaskResult]


def _results(archive: Archive, design: Design, benchmark: str, split: OpenSplit) -> Results:
    """By task and seed: those on the books, or else those of the verdict."""
    booked = [entry.result for entry in archive.book(design.id, benchmark, split).entries()]
    if not booked and isinstance(verdict := archive.verdict(design.id, benchmark, split), Evaluation):
        booked = list(verdict.results)
    return {(result.task, result.seed): result for result in booked}


def _primary(archive: Archive, benchmark: str, split: OpenSplit) -> str:
    """The primary metric, as any evaluation of the benchmark has it."""
    for of_split in (split, *OPEN_SPLITS):
        for evaluation in archive.scores(benchmark, of_split).values():
            return evaluation.primary
    raise EvolveError(f"No design was evaluated whole on {benchmark} yet, so its metric is not known.")


def _means(played: Results, shared: set[tuple[str, int]], primary: str) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for task, seed in sorted(shared):
        found.setdefault(task, []).append(played[task, seed].metrics.get(primary, 0.0))
    return {task: math.fsum(scores) / len(scores) for task, scores in found.items()}


def _tasks(played: Results) -> set[str]:
    return {task for task, _ in played}
