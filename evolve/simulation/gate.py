"""The gate where the truth is known: how often it is wrong, what it misses, what it plays. A function of a seed."""

from dataclasses import dataclass

import numpy as np

from evolve.compare import alpha_for_opening
from evolve.config import GateSettings
from evolve.gate import FINALISTS
from evolve.gate.decision import PARTS, Decision, cut, decide

SEARCH_TASKS = 30
GATE_TASKS = 80
GATE_SEEDS = 3
EQUALS = 30
PERMUTATIONS = 2000
SPREAD = 0.6
"""Tasks are as unlike as those that language models play: see docs/search.md."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a simulated gate is opened. A task's rate is drawn from Beta(`spread`, `spread`)."""

    tasks: int = GATE_TASKS
    seeds: int = GATE_SEEDS
    spread: float = SPREAD
    parts: int = PARTS
    opening: int = 1
    permutations: int = PERMUTATIONS

    def rates(self, chance: np.random.Generator, *shape: int) -> np.ndarray:
        return chance.beta(self.spread, self.spread, size=shape)


RULES = Rules()


def false_promotion(simulations: int, seed: int = 0, rules: Rules = RULES) -> float:
    """How often a search among designs that are as good as the champion ends in a promotion.

    All are equal in the mean; on each task every one has its own rate.
    """
    chance = np.random.default_rng(seed)
    promoted = 0
    for _ in range(simulations):
        found = _played(rules.rates(chance, EQUALS, SEARCH_TASKS), chance).mean(axis=1)
        finalists = np.argsort(-found)[:FINALISTS]
        validated = _played(rules.rates(chance, EQUALS, SEARCH_TASKS), chance).mean(axis=1)
        challenger = finalists[np.argmax(validated[finalists])]
        on_gate = rules.rates(chance, EQUALS, rules.tasks)
        promoted += opened(on_gate[challenger], rules.rates(chance, rules.tasks), chance, rules).passed
    return promoted / simulations


def power(effect: float, simulations: int, seed: int = 0, rules: Rules = RULES) -> float:
    """How often a challenger whose mean is better by so much passes."""
    return float(np.mean([each.passed for each in _openings(effect, simulations, seed, rules)]))


def tasks_played(effect: float, simulations: int, seed: int = 0, rules: Rules = RULES) -> float:
    """How many tasks an opening plays in the mean, against a challenger that is better by so much."""
    return float(np.mean([each.tasks for each in _openings(effect, simulations, seed, rules)]))


def champion_against_itself(simulations: int, seed: int = 0, rules: Rules = RULES) -> float:
    """How often the champion is promoted over itself."""
    return power(0.0, simulations, seed, rules)


def opened(challenger: np.ndarray, champion: np.ndarray, chance: np.random.Generator, rules: Rules) -> Decision:
    """What the gate decides of two designs by their rates: each task played with every seed, its mean in pairs."""
    played = [_played(np.tile(rates, (rules.seeds, 1)), chance).mean(axis=0) for rates in (challenger, champion)]
    parts = cut((played[0] - played[1]).tolist(), rules.parts)
    seed = int(chance.integers(2**32))
    alpha, least = alpha_for_opening(rules.opening), GateSettings().minimum_effect
    return decide(parts, alpha, least, seed, parts=len(parts), permutations=rules.permutations)


def _openings(effect: float, simulations: int, seed: int, rules: Rules) -> list[Decision]:
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(simulations):
        rates = rules.rates(chance, rules.tasks)
        found.append(opened(_better(rates, effect), rates, chance, rules))
    return found


def _better(rates: np.ndarray, effect: float) -> np.ndarray:
    """Better by so much in the mean, more where more is left to gain; worse, where more is there to lose."""
    return rates + 2 * effect * (1 - rates if effect > 0 else rates)


def _played(rates: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    return (chance.random(rates.shape) < rates).astype(float)
