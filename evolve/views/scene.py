"""What is to be seen of a running search at one moment, for a terminal and for a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from evolve.views.expenses import duration
from evolve.watching import STAGES, Outlook, Spending, Stage


@dataclass(frozen=True, slots=True)
class Flight:
    """A candidate in flight, in seconds of the clock `since` when; it has played `done` of the `total` of its stage."""

    step: str
    stage: Stage
    since: float
    done: int = 0
    total: int = 0

    @property
    def told(self) -> str:
        """What it is at."""
        return f"{self.stage} {self.done} of {self.total}" if self.total else self.stage

    @property
    def way(self) -> float:
        """How many stages it has behind it, the one that it is at in part."""
        part = self.done / self.total if self.total else 0.0
        return max(0.0, STAGES.index(self.stage) - 1 + part)


STAGES_OF_A_WAY = len(STAGES) - 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be seen at the time `now`. `left` are seconds, None where nobody knows; `best` is empty at first."""

    outlook: Outlook | None
    through: int
    best: str
    flights: tuple[Flight, ...]
    spending: Spending
    elapsed: float
    left: float | None
    now: float

    @property
    def rounds(self) -> int:
        """How many rounds are through."""
        outlook = self.outlook
        return self.through * outlook.rounds // outlook.steps if outlook and outlook.steps else 0

    @property
    def told(self) -> str:
        """How far it is."""
        if self.outlook is None:
            return "opening the benchmark"
        return f"{self.rounds} of {self.outlook.rounds} rounds, {self.through} of {self.outlook.steps} candidates"

    @property
    def time(self) -> str:
        """How long it is at work, and how long it will be."""
        left = "" if self.left is None else f", about {duration(self.left)} left"
        return f"{duration(self.elapsed)}{left}"


@dataclass(frozen=True, slots=True)
class Gauge:
    """So much of one thing that was spent; `most` is its ceiling, None where it has none."""

    name: str
    told: str
    amount: float
    most: float | None


def gauges(spending: Spending) -> Sequence[Gauge]:
    """What was spent, and what has a ceiling."""
    priced = f"{'at least ' if spending.unpriced else ''}${spending.dollars:,.2f}"
    every = (
        ("calls", f"{spending.calls:,}", spending.calls, spending.most_calls, f"{spending.most_calls or 0:,}"),
        ("tokens", f"{spending.tokens:,}", spending.tokens, spending.most_tokens, f"{spending.most_tokens or 0:,}"),
        ("dollars", priced, spending.dollars, spending.most_dollars, f"${spending.most_dollars or 0:,.2f}"),
        ("episodes", f"{spending.episodes:,}", spending.episodes, spending.most_episodes,
         f"{spending.most_episodes or 0:,}"),
        ("at work", duration(spending.seconds), spending.seconds, spending.most_seconds,
         duration(spending.most_seconds or 0)),
    )  # fmt: skip
    return [
        Gauge(name, told if most is None else f"{told} of {ceiling}", amount, most)
        for name, told, amount, most, ceiling in every
        if most is not None or (amount and name != "at work")
    ]
