"""Where candidates are played: on this machine, or on a cluster. Plain data goes in and comes out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from alma_mcp.design_store import Design
from evolve.benchmarks import Split
from evolve.book import Booked
from evolve.evaluation import Verdict


@dataclass(frozen=True, slots=True)
class Job:
    """Play these tasks of a split with a design; all of them where `only` is None.

    `known` are those that were played before, which are not played again.
    """

    design: Design
    split: Split
    only: frozenset[str] | None = None
    known: tuple[Booked, ...] = field(default_factory=tuple)


Keep = Callable[[Booked], None]
"""Told of each task as soon as it is played."""


class Runner(Protocol):
    """Plays jobs, `width` of them at once; a job beyond that waits."""

    width: int

    async def play(self, job: Job, keep: Keep) -> Verdict:
        """The evaluation of all tasks of the job, those known before among them.

        Raises `AlmaError` where nothing can be played, as `evaluate` does. A worker that is lost is no fault of the
        design: the job goes elsewhere, with what was kept of it.
        """
