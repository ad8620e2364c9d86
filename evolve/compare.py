"""The statistics: intervals, the paired test, what is left of alpha. Pure functions of numbers and a seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alma_mcp.dossier import Interval

RESAMPLES = 2000
PERMUTATIONS = 20_000
CHUNK = 1000
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """Challenger minus champion over the tasks that both have played."""

    tasks: int
    difference: Interval
    p_value: float
    wins: int
    ties: int
    losses: int


def interval(values: Sequence[float], clusters: Sequence[str], seed: int = 0) -> Interval:
    """Mean and 95 % interval by a two-stage bootstrap: clusters with replacement, then tasks within each."""
    if not values:
        return Interval(mean=math.nan, low=math.nan, high=math.nan)
    scores = np.asarray(values, dtype=float)
    names, of_cluster = np.unique(np.asarray(clusters), return_inverse=True)
    chance = np.random.default_rng(seed)
    picked = chance.integers(len(names), size=(RESAMPLES, len(names)))
    totals, sizes = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    for cluster in range(len(names)):
        group = scores[of_cluster == cluster]
        resample = np.nonzero(picked == cluster)[0]
        drawn = chance.choice(group, size=(len(resample), len(group)))
        np.add.at(totals, resample, drawn.sum(axis=1))
        np.add.at(sizes, resample, len(group))
    means = totals / sizes
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(mean=float(scores.mean()), low=float(low), high=float(high))


def compare(
    challenger: Mapping[str, float], champion: Mapping[str, float], clusters: Mapping[str, str], seed: int = 0
) -> Comparison:
    """Compare two designs task by task. Tasks that only one has played are left out, as a pair."""
    tasks = sorted(challenger.keys() & champion.keys())
    differences = np.array([challenger[task] - champion[task] for task in tasks])
    return Comparison(
        tasks=len(tasks),
        difference=interval(differences.tolist(), [clusters[task] for task in tasks], seed),
        p_value=sign_flip_p_value(differences, seed),
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
    )


def sign_flip_p_value(differences: np.ndarray, seed: int = 0, permutations: int = PERMUTATIONS) -> float:
    """One-sided paired permutation test of a positive mean: how often random signs do as well.

    The observed signs count as one of the permutations, so the value is never 0.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    chance = np.random.default_rng(seed)
    observed = moved.sum()
    as_good = 1
    for start in range(0, permutations, CHUNK):
        signs = chance.choice([-1.0, 1.0], size=(min(CHUNK, permutations - start), len(moved)))
        as_good += int((signs @ moved >= observed - 1e-12).sum())
    return as_good / (permutations + 1)


def alpha_for_opening(number: int) -> float:
    """The level of the n-th opening of a gate; over all openings they add up to 0.05."""
    return ALPHA * 6 / (math.pi**2 * number**2)
