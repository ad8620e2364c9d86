"""Which tasks to play first: few that say most about all. A function of the score matrix, the clusters and a seed."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

DESIGNS = 4
"""With fewer of them a score matrix teaches nothing yet: the tasks are a sample, spread over the clusters."""

SPREAD = 1.0
"""What shares of the clusters that are off weigh, beside a prediction of the designs' scores that is off."""

JITTER = 1e-6

After = Mapping[str, str]
"""Of a memory that learns from what it plays: each task but its first, and the one before it."""


def leading(
    tasks: Mapping[str, str],
    rows: Sequence[Mapping[str, float]],
    seed: int,
    after: After | None = None,
    first: Sequence[str] = (),
) -> list[str]:
    """All tasks, in an order in which every beginning says as much as it can about the whole.

    `tasks` gives each one's cluster, `rows` what each design has scored on all of them. One after another is taken
    with which the mean over those taken predicts best the mean over all, design by design, while every cluster has
    its share. A task of `after` is taken behind the one that it names. `first` are taken already, and lead.
    """
    names = list(tasks)
    place = {task: number for number, task in enumerate(names)}
    features = np.vstack([_scores(names, rows), _shares(list(tasks.values()))])
    alone = (features**2).sum(axis=0) + np.array([_luck(task, seed) for task in names]) * JITTER
    behind = [(place[task], place[before]) for task, before in (after or {}).items()]
    total, taken = np.zeros(len(features)), np.zeros(len(names), dtype=bool)
    order: list[str] = []
    while len(order) < len(names):
        free = ~taken
        for task, before in behind:
            free[task] &= taken[before]
        off = np.where(free, alone + 2 * (total @ features), np.inf)
        best = place[first[len(order)]] if len(order) < len(first) else int(np.argmin(off))
        total += features[:, best]
        taken[best] = True
        order.append(names[best])
    return order


def smoke(tasks: Mapping[str, str], count: int, seed: int, clusters: int = 1, after: After | None = None) -> list[str]:
    """The tasks that come first of all, of few clusters: filling a memory may cost more than asking it.

    More clusters are taken where those have too few tasks. Which ones is a matter of the seed. A memory that learns is
    one cluster.
    """
    groups = _groups(tasks, after or {})
    names = sorted(set(groups.values()), key=lambda each: _luck(each, seed))
    while sum(group in names[:clusters] for group in groups.values()) < count and clusters < len(names):
        clusters += 1
    part = {task: group for task, group in groups.items() if group in names[:clusters]}
    return leading(part, (), seed, {task: before for task, before in (after or {}).items() if task in part})[:count]


def _groups(tasks: Mapping[str, str], after: After) -> dict[str, str]:
    """The cluster of each task, or the first task of the memory that learns from it."""
    roots = {}
    for task in tasks:
        roots[task] = task
        while roots[task] in after:
            roots[task] = after[roots[task]]
    learning = {roots[task] for task in after}
    return {task: roots[task] if roots[task] in learning else cluster for task, cluster in tasks.items()}


def _scores(names: Sequence[str], rows: Sequence[Mapping[str, float]]) -> np.ndarray:
    """By how much a task lies above the mean, by design, beside what it does for the designs together.

    Its squares add up to at most one for all designs together, whatever their number.
    """
    whole = [[row[task] for task in names] for row in rows if all(task in row for task in names)]
    if len(whole) < DESIGNS:
        return np.zeros((1, len(names)))
    scores = np.array(whole)
    scores -= scores.mean(axis=1, keepdims=True)
    scores -= scores.mean(axis=0)
    scores /= np.sqrt(len(scores))
    return scores


def _shares(clusters: Sequence[str]) -> np.ndarray:
    """For every cluster, by how much a task lies above its share; of the same size as the scores."""
    names = sorted(set(clusters))
    member = np.array([[each == name for each in clusters] for name in names], dtype=float)
    shares: np.ndarray = (member - member.mean(axis=1, keepdims=True)) * np.sqrt(SPREAD / len(names))
    return shares


def _luck(name: str, seed: int) -> float:
    """A number from 0 to 1 that a name draws."""
    return int(hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()[:12], 16) / 16**12
