"""What a whole split would show of a design that has played a part of it. Pure functions of scores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

NOISE = 0.2
"""The variance of a paired difference before any is seen: about that of two coins of middling chance."""

WEIGHT = 4.0
"""How many differences that is worth: three that are equal are no proof."""

PRIOR_SD = 0.1

ROUNDS = 2
"""How often noise and mean are estimated in turn: the noise is that around the mean that is believed in."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A mean over a whole split, as a normal distribution. Where all tasks are played, `sd` is 0."""

    mean: float
    sd: float

    def above(self, other: "Forecast") -> float:
        """The probability that this one is higher; one half where both are certain and equal."""
        gap, sd = self.mean - other.mean, math.hypot(self.sd, other.sd)
        if sd < 1e-9:
            return 0.5 if abs(gap) < 1e-9 else float(gap > 0)
        return 0.5 * (1 + math.erf(gap / sd / math.sqrt(2)))


def difference(seen: Sequence[float] | np.ndarray, whole: int, prior_sd: float = PRIOR_SD) -> Forecast:
    """The mean of paired differences over `whole` tasks, at least one, of which these are seen; each is
    between -1 and 1.

    A normal prior around 0. What is played is certain; uncertain are the tasks that are left, by the posterior of
    their mean and by their own noise.
    """
    differences = np.asarray(seen, dtype=float)
    count = len(differences)
    if not count:
        return Forecast(0.0, math.hypot(prior_sd, math.sqrt(NOISE / whole)))
    mean = float(differences.mean())
    believed = mean
    for _ in range(ROUNDS):
        spread = float(((differences - believed) ** 2).sum())
        noise = (WEIGHT * NOISE + spread) / (WEIGHT + count)
        variance = 1 / (1 / prior_sd**2 + count / noise)
        believed = variance * count * mean / noise
    left = whole - count
    if left <= 0:
        return Forecast(mean, 0.0)
    sd = left / whole * math.sqrt(variance + noise / left)
    return Forecast((count * mean + left * believed) / whole, sd)


def forecast(played: Mapping[str, float], expected: Mapping[str, float], prior_sd: float = PRIOR_SD) -> Forecast:
    """A design's score on the whole split, from what it scored beside what is expected on every task of it."""
    differences = [score - expected[task] for task, score in played.items() if task in expected]
    over = difference(differences, len(expected), prior_sd)
    return Forecast(math.fsum(expected.values()) / len(expected) + over.mean, over.sd)


def difficulty(rows: Sequence[Mapping[str, float]], tasks: Sequence[str]) -> dict[str, float]:
    """What designs score on each task in the mean; a task counts one more result, that of all tasks together."""
    scores = [[row[task] for row in rows if task in row] for task in tasks]
    count = sum(map(len, scores))
    overall = math.fsum(map(math.fsum, scores)) / count if count else 0.5
    return {task: (math.fsum(found) + overall) / (len(found) + 1) for task, found in zip(tasks, scores, strict=True)}


def expectation(usual: Mapping[str, float], incumbent: Mapping[str, float]) -> dict[str, float]:
    """What a design as good as the incumbent is expected to score on each task, in the mean what that has scored.

    Halfway between its own score there, which is one draw, and what is `usual` there at its level. Candidates are
    compared with this in pairs.
    """
    shared = [task for task in usual if task in incumbent]
    level = math.fsum(incumbent[task] - usual[task] for task in shared) / max(1, len(shared))
    return {task: (each + level + incumbent.get(task, each + level)) / 2 for task, each in usual.items()}
