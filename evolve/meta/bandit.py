"""Which of several models writes the next design: Thompson sampling on gain per dollar.

A function of the history and of chance alone, so that a search that goes on chooses as it would have chosen.
"""

import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CHEAPEST = 0.01
"""What a model counts as at least, as a part of the dearest: its candidates are verified and evaluated too."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One candidate that a model has written: by how much its score exceeds its parent's (0 where it does not, or has
    none), and what it cost. `dollars` is None where the price is unknown.
    """

    model: str
    gain: float
    dollars: float | None


def choose_model(models: Sequence[str], history: Sequence[Tried], chance: random.Random) -> str:
    """One of those that were never tried, or else the one with the best draw of gain per dollar.

    A gain is that part of a win that it is of the largest gain seen, so that the scale of a benchmark does not matter;
    a model's rate of winning is drawn from Beta(1 + won, 1 + lost). How much was gained says more than whether anything
    was: of children that are no different from their parents half score higher by chance, but not by much.
    """
    record = {model: [each for each in history if each.model == model] for model in models}
    if untried := [model for model, tried in record.items() if not tried]:
        return chance.choice(untried)
    largest = max(each.gain for tried in record.values() for each in tried)
    costs = _costs(record)
    drawn = {model: _rate(tried, largest, chance) / costs[model] for model, tried in record.items()}
    return max(drawn, key=lambda model: drawn[model])


def _rate(tried: Sequence[Tried], largest: float, chance: random.Random) -> float:
    won = sum(max(0.0, each.gain) / largest for each in tried) if largest > 0 else 0.0
    return chance.betavariate(1 + won, 1 + len(tried) - won)


def _costs(record: Mapping[str, Sequence[Tried]]) -> dict[str, float]:
    """Each model's mean cost; one whose price is unknown counts as the dearest, and none as free."""
    priced = {model: [each.dollars for each in tried if each.dollars is not None] for model, tried in record.items()}
    means = {model: statistics.fmean(dollars) for model, dollars in priced.items() if dollars}
    dearest = max(means.values(), default=0.0) or 1.0
    return {model: max(means.get(model, dearest), CHEAPEST * dearest) for model in record}
