"""Choosing parents: pure functions of the candidates, a number and a source of chance."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

TEMPERATURE = 0.5
VISIT_WEIGHT = 0.5
STEEPNESS = 10.0
MIDDLE = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A design that may become a parent: its score, and how often it has been one.

    `tasks` are its scores task by task, from 0 to 1; `parents` are the ids of the designs it was made from.
    """

    design: str
    score: float
    visits: int
    tasks: Mapping[str, float] = field(default_factory=dict)
    parents: tuple[str, ...] = ()

    @property
    def results(self) -> Mapping[str, float]:
        """Its scores task by task; its mean as the only task where no more is known."""
        return self.tasks or {"": self.score}


Sampler = Callable[[Sequence[Candidate], float, int, random.Random], list[Candidate]]
Weigh = Callable[[Sequence[Candidate]], Sequence[float]]


def alma(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:
    """The paper's: softmax of sigma(score - baseline) - 0.5 ln(1 + visits), temperature 0.5, without replacement."""
    return _drawn(candidates, lambda left: [_promise(each, baseline) for each in left], count, chance)


def dgm(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:  # noqa: ARG001
    """The Darwin Goedel Machine's: sigma(10 (score - 0.5)) / (1 + children), without replacement."""
    return _drawn(candidates, lambda left: [_fitness(each) for each in left], count, chance)


def clade_thompson(
    candidates: Sequence[Candidate],
    baseline: float,  # noqa: ARG001
    count: int,
    chance: random.Random,
) -> list[Candidate]:
    """The Huxley Goedel Machine's: Thompson sampling on what a design and all that came of it have won and lost.

    A score between 0 and 1 is that part of a win.
    """
    pooled = clades(candidates)
    drawn = {each.design: chance.betavariate(1 + won, 1 + lost) for each, (won, lost) in pooled}
    return sorted(candidates, key=lambda each: (-drawn[each.design], each.design))[:count]


def pareto(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:  # noqa: ARG001
    """GEPA's: one of those that are best on some task, the likelier the more tasks; then of those that are left."""
    return _drawn(candidates, _leads, count, chance)


def greedy(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:  # noqa: ARG001
    """The best scores."""
    return sorted(candidates, key=lambda each: (-each.score, each.design))[:count]


def uniform(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:  # noqa: ARG001
    """Any, equally likely."""
    return chance.sample(list(candidates), min(count, len(candidates)))


def iid(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:
    """Always from scratch: seeds only, equally likely, whatever came of them. What a search must beat."""
    seeds = [each for each in candidates if not each.parents]
    return uniform(seeds, baseline, count, chance)


SAMPLERS: Mapping[str, Sampler] = {
    "alma": alma,
    "dgm": dgm,
    "clade_thompson": clade_thompson,
    "pareto": pareto,
    "uniform": uniform,
    "greedy": greedy,
    "iid": iid,
}


def clades(candidates: Sequence[Candidate]) -> list[tuple[Candidate, tuple[float, float]]]:
    """What each design and its descendants have won and lost together; one that descends twice counts once."""
    known = {each.design: each for each in candidates}
    members: dict[str, set[str]] = {design: set() for design in known}
    for each in candidates:
        above = [each.design]
        while above:
            design = above.pop()
            if design in known and each.design not in members[design]:
                members[design].add(each.design)
                above.extend(known[design].parents)
    results = {each.design: _record(each) for each in candidates}
    return [
        (
            each,
            (
                math.fsum(results[design][0] for design in members[each.design]),
                math.fsum(results[design][1] for design in members[each.design]),
            ),
        )
        for each in candidates
    ]


def _drawn(candidates: Sequence[Candidate], weigh: Weigh, count: int, chance: random.Random) -> list[Candidate]:
    """So many by weight, without replacement; the weights are those among what is left."""
    left = list(candidates)
    chosen: list[Candidate] = []
    while left and len(chosen) < count:
        (place,) = chance.choices(range(len(left)), weigh(left))
        chosen.append(left.pop(place))
    return chosen


def _promise(candidate: Candidate, baseline: float) -> float:
    advantage = _sigma(candidate.score - baseline)
    return math.exp((advantage - VISIT_WEIGHT * math.log1p(candidate.visits)) / TEMPERATURE)


def _fitness(candidate: Candidate) -> float:
    return _sigma(STEEPNESS * (candidate.score - MIDDLE)) / (1 + candidate.visits)


def _leads(candidates: Sequence[Candidate]) -> list[float]:
    """On how many tasks each is best, ties included."""
    best: dict[str, float] = {}
    for each in candidates:
        for task, score in each.results.items():
            best[task] = max(score, best.get(task, score))
    return [float(sum(score == best[task] for task, score in each.results.items())) for each in candidates]


def _record(candidate: Candidate) -> tuple[float, float]:
    """How much of its tasks it won, and how much it lost."""
    won = math.fsum(candidate.results.values())
    return won, max(0.0, len(candidate.results) - won)


def _sigma(value: float) -> float:
    return 1 / (1 + math.exp(-value))
