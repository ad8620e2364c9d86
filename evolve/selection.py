"""Choosing parents: pure functions of the candidates, a number and a source of chance."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

TEMPERATURE = 0.5
VISIT_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A design that may become a parent: its score, and how often it has been one."""

    design: str
    score: float
    visits: int


Sampler = Callable[[Sequence[Candidate], float, int, random.Random], list[Candidate]]


def alma(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:
    """The paper's: softmax of sigma(score - baseline) - 0.5 ln(1 + visits), temperature 0.5, without replacement."""
    left = list(candidates)
    chosen: list[Candidate] = []
    while left and len(chosen) < count:
        weights = [math.exp(_promise(each, baseline) / TEMPERATURE) for each in left]
        (picked,) = chance.choices(left, weights)
        left.remove(picked)
        chosen.append(picked)
    return chosen


def greedy(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:  # noqa: ARG001
    """The best scores."""
    return sorted(candidates, key=lambda each: (-each.score, each.design))[:count]


def uniform(candidates: Sequence[Candidate], baseline: float, count: int, chance: random.Random) -> list[Candidate]:  # noqa: ARG001
    """Any, equally likely."""
    return chance.sample(list(candidates), min(count, len(candidates)))


SAMPLERS: Mapping[str, Sampler] = {"alma": alma, "greedy": greedy, "uniform": uniform}


def _promise(candidate: Candidate, baseline: float) -> float:
    advantage = 1 / (1 + math.exp(baseline - candidate.score))
    return advantage - VISIT_WEIGHT * math.log1p(candidate.visits)
