"""The statistics: intervals, the paired test, what is left of alpha. Pure functions of numbers and a seed."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alma_mcp.evidence.dossier import Interval

RESAMPLES = 2000
PERMUTATIONS = 20_000
CHUNK = 1000
ALPHA = 0.05
TIE_BREAK = 1e-9
ROUNDING = 1e-12


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
    if len(names) == len(scores):
        return _around(float(scores.mean()), scores[np.argsort(of_cluster)][picked].mean(axis=1))
    totals, sizes = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    for cluster in range(len(names)):
        group = scores[of_cluster == cluster]
        resample = np.nonzero(picked == cluster)[0]
        drawn = chance.choice(group, size=(len(resample), len(group)))
        np.add.at(totals, resample, drawn.sum(axis=1))
        np.add.at(sizes, resample, len(group))
    return _around(float(scores.mean()), totals / sizes)


def _around(mean: float, resampled: np.ndarray) -> Interval:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(mean=mean, low=float(low), high=float(high))


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

    Of two equal sums the one with more tasks won is better: the means of a few seeds have many equal sums, and the
    test would be too strict if all of them counted against what was observed. The observed signs count as one of the
    permutations, so the value is never 0.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    chance = np.random.default_rng(seed)
    moved = moved + TIE_BREAK * np.sign(moved)
    observed = moved.sum()
    as_good = 1
    for start in range(0, permutations, CHUNK):
        size = (min(CHUNK, permutations - start), len(moved))
        signs = 2.0 * chance.integers(0, 2, size=size, dtype=np.int8) - 1.0
        as_good += int((signs @ moved >= observed - ROUNDING).sum())
    return as_good / (permutations + 1)


def detectable(differences: Sequence[float], alpha: float, power: float = 0.8) -> float | None:
    """The mean difference that so many tasks, spread as these are, show at this level as often as `power` says.

    None where they do not tell: of fewer than two tasks, or where all are equal.
    """
    spread = statistics.stdev(differences) if len(differences) > 1 else 0.0
    if not spread:
        return None
    normal = statistics.NormalDist()
    return (normal.inv_cdf(1 - alpha) + normal.inv_cdf(power)) * spread / math.sqrt(len(differences))


def alpha_for_opening(number: int) -> float:
    """The level of the n-th opening of a gate; over all openings they add up to 0.05."""
    return ALPHA * 6 / (math.pi**2 * number**2)
