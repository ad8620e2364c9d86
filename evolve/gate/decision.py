"""What the gate decides of differences in pairs: early for futility only, never for success. A pure function."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from evolve.compare import PERMUTATIONS, sign_flip_p_value

PARTS = 3
"""The gate looks after each part of the tasks; after the last one it decides."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decision:
    """Of `tasks` differences with this mean. `p_value` is 1 until it has `ended`."""

    tasks: int
    mean: float
    p_value: float
    alpha: float
    minimum_effect: float
    ended: bool
    futile: bool

    @property
    def enough(self) -> bool:
        return self.mean >= self.minimum_effect

    @property
    def beyond_chance(self) -> bool:
        return self.p_value < self.alpha

    @property
    def passed(self) -> bool:
        return self.ended and not self.futile and self.enough and self.beyond_chance


def decide(
    played: Sequence[Sequence[float]],
    alpha: float,
    minimum_effect: float,
    seed: int = 0,
    *,
    parts: int = PARTS,
    permutations: int = PERMUTATIONS,
) -> Decision:
    """What is known after some of the `parts`: of each that was `played`, challenger minus champion task by task.

    At every look before the last it ends as futile if the mean so far is not positive. After the last part it has
    passed if the mean is at least the minimum effect and the sign-flip test, over all tasks, is below alpha.
    """
    looks = range(1, min(len(played), parts - 1) + 1)
    stopped = next((look for look in looks if _hopeless(played[:look])), None)
    differences = np.array([each for part in played[:stopped] for each in part])
    mean = float(differences.mean()) if len(differences) else 0.0
    futile = stopped is not None
    ended = futile or len(played) == parts
    p_value = sign_flip_p_value(differences, seed, permutations) if ended else 1.0
    return Decision(len(differences), mean, p_value, alpha, minimum_effect, ended, futile)


def cut(ordered: Sequence[T], parts: int = PARTS) -> list[Sequence[T]]:
    """The parts in which things are played, in their order; of fewer things than parts, one each."""
    parts = max(1, min(parts, len(ordered)))
    ends = [math.ceil(len(ordered) * number / parts) for number in range(parts + 1)]
    return [ordered[start:end] for start, end in pairwise(ends)]


def _hopeless(played: Sequence[Sequence[float]]) -> bool:
    """What is known of these parts shows no gain; where nothing is known, that is not shown."""
    differences = [each for part in played for each in part]
    return bool(differences) and math.fsum(differences) <= 0
