"""What a search may spend: ceilings, what was spent, and what is set aside for what is in flight."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from alma_mcp.errors import BudgetSpent
from evolve.archive import Cost
from evolve.watching import Spending


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most of each that a run may spend; None is no ceiling. `seconds` are those in which it was at work."""

    calls: int | None = None
    tokens: int | None = None
    dollars: float | None = None
    episodes: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """What is set aside before it is known."""

    calls: int = 0
    tokens: int = 0
    dollars: float = 0.0
    episodes: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.dollars + other.dollars,
            self.episodes + other.episodes,
        )


class Aside:
    """What is still set aside for one thing in flight."""

    def __init__(self, amount: Amount) -> None:
        self.amount = amount

    def used(self, cost: Cost) -> None:
        """So much of it is spent by now, and counted as that."""
        left = self.amount
        self.amount = Amount(
            max(0, left.calls - cost.calls),
            max(0, left.tokens - cost.tokens),
            max(0.0, left.dollars - (cost.dollars or 0.0)),
            max(0, left.episodes - cost.episodes),
        )


class Budget:
    """Counts against ceilings. `costs` are those of the run so far; `clock` is in seconds."""

    def __init__(
        self, ceilings: Ceilings, costs: Iterable[Cost] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ceilings = ceilings
        self._clock = clock
        self._began = self._lap = clock()
        self._spent = Spending(
            most_calls=ceilings.calls,
            most_tokens=ceilings.tokens,
            most_dollars=ceilings.dollars,
            most_episodes=ceilings.episodes,
            most_seconds=ceilings.seconds,
        )
        self._aside: list[Aside] = []
        for cost in costs:
            self.spend(cost)
        self._before = self._spent.seconds

    @property
    def spending(self) -> Spending:
        return replace(self._spent, seconds=self._before + self.elapsed)

    @property
    def elapsed(self) -> float:
        """Seconds at work since this was made."""
        return self._clock() - self._began

    def lap(self) -> float:
        """Seconds since this was last asked."""
        now = self._clock()
        seconds, self._lap = now - self._lap, now
        return seconds

    def spend(self, cost: Cost) -> None:
        spent = self._spent
        self._spent = replace(
            spent,
            calls=spent.calls + cost.calls,
            tokens=spent.tokens + cost.tokens,
            dollars=spent.dollars + (cost.dollars or 0.0),
            unpriced=spent.unpriced or cost.dollars is None,
            episodes=spent.episodes + cost.episodes,
            seconds=spent.seconds + cost.seconds,
        )

    @contextmanager
    def set_aside(self, amount: Amount) -> Iterator[Aside]:
        """Keep so much for what is begun now. Raises `BudgetSpent` where it would not be there."""
        self._check(sum((each.amount for each in self._aside), amount))
        aside = Aside(amount)
        self._aside.append(aside)
        try:
            yield aside
        finally:
            self._aside.remove(aside)

    def _check(self, wanted: Amount) -> None:
        spent, ceilings = self.spending, self._ceilings
        for name, would, most in (
            ("calls", spent.calls + wanted.calls, ceilings.calls),
            ("tokens", spent.tokens + wanted.tokens, ceilings.tokens),
            ("dollars", spent.dollars + wanted.dollars, ceilings.dollars),
            ("episodes", spent.episodes + wanted.episodes, ceilings.episodes),
            ("seconds", spent.seconds, ceilings.seconds),
        ):
            if most is not None and would > most:
                raise BudgetSpent(
                    f"The search has come to its ceiling of {most:g} {name}; raise it under [budget] in the"
                    " configuration, and the same command goes on where this one was."
                )
