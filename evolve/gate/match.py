"""A match: what challenger and champion have shown on the same plays, in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evolve.evaluation import Evaluation

Play = tuple[str, int]
"""A task and its seed."""


@dataclass(frozen=True, slots=True)
class Match:
    """Both sides over the plays that neither has lost; a play is a task with one of its seeds.

    `planned` tasks were to be played, `plays` were set before both sides so far, and `missing` of those are left out.
    `categories` are those of the tasks that have one.
    """

    challenger: Evaluation
    champion: Evaluation
    planned: int
    plays: int
    missing: int
    categories: Mapping[str, str]

    def differences(self, tasks: Sequence[str]) -> list[float]:
        """Challenger minus champion on each of these tasks that is in pairs, in their order."""
        new, old = self.challenger.scores, self.champion.scores
        return [new[task] - old[task] for task in tasks if task in new]

    def kinds_of_tasks(self) -> dict[str, set[str]]:
        """The kinds of each task in pairs: its category, and whatever the benchmark tells apart."""
        new = self.challenger.scores
        of_task: dict[str, set[str]] = {task: set() for task in new}
        for task, category in self.categories.items():
            if task in new and category:
                of_task[task].add(category)
        prefix = f"{self.challenger.primary} "
        for result in (*self.challenger.results, *self.champion.results):
            of_task[result.task].update(name[len(prefix) :] for name in result.metrics if name.startswith(prefix))
        return of_task

    def tasks_of_kinds(self) -> dict[str, list[str]]:
        """The tasks in pairs of each kind, in the order of their ids."""
        found: dict[str, list[str]] = {}
        for task, kinds in sorted(self.kinds_of_tasks().items()):
            for kind in kinds:
                found.setdefault(kind, []).append(task)
        return found

    def kinds(self) -> dict[str, list[float]]:
        """The differences of each kind of task."""
        return {kind: self.differences(tasks) for kind, tasks in self.tasks_of_kinds().items()}


def pair(
    challenger: Evaluation, champion: Evaluation, plays: frozenset[Play], planned: int, categories: Mapping[str, str]
) -> Match:
    """The match of two evaluations that were to have these plays."""
    both = _played(challenger) & _played(champion)
    sides = [
        replace(each, results=[result for result in each.results if (result.task, result.seed) in both])
        for each in (challenger, champion)
    ]
    return Match(sides[0], sides[1], planned, len(plays), len(plays - both), categories)


def _played(evaluation: Evaluation) -> set[Play]:
    return {(result.task, result.seed) for result in evaluation.results}
