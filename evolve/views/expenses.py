"""What was spent, added up by who asked: the one that writes designs, the one that plays, the designs, the search."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from evolve.archive import Cost

ORDER = ("meta", "agent", "design", "search")
EXACT_MINUTES = 3


@dataclass(frozen=True, slots=True)
class Spent:
    """A sum of costs. `dollars` are those that are known; `unpriced` says that there are others."""

    calls: int = 0
    tokens: int = 0
    dollars: float = 0.0
    unpriced: bool = False
    episodes: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        told = amounts(self.calls, self.tokens, self.dollars, self.episodes, unpriced=self.unpriced)
        time = duration(self.seconds) if self.seconds >= 1 else ""
        return ", ".join(part for part in (told, time) if part) or "nothing"

    def plus(self, cost: Cost) -> "Spent":
        return Spent(
            self.calls + cost.calls,
            self.tokens + cost.tokens,
            self.dollars + (cost.dollars or 0.0),
            self.unpriced or cost.dollars is None,
            self.episodes + cost.episodes,
            self.seconds + cost.seconds,
        )


def spent(costs: Iterable[Cost]) -> dict[str, dict[str, Any]]:
    """What each has spent, in the order of `ORDER`; those that spent nothing are left out."""
    sums: dict[str, Spent] = {}
    for cost in costs:
        sums[cost.what] = sums.get(cost.what, Spent()).plus(cost)
    return {who: asdict(sums[who]) for who in sorted(sums, key=ORDER.index)}


def amounts(calls: int, tokens: int, dollars: float, episodes: int, *, unpriced: bool) -> str:
    """Whatever there is of these, in words; empty where there is none."""
    priced = f"{'at least ' if unpriced else ''}${dollars:,.2f}" if dollars or unpriced else ""
    parts = (
        f"{calls:,} {'call' if calls == 1 else 'calls'}" if calls else "",
        f"{tokens:,} tokens" if tokens else "",
        "an unknown price" if unpriced and not dollars else priced,
        f"{episodes:,} {'episode' if episodes == 1 else 'episodes'}" if episodes else "",
    )
    return ", ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """A length of time in words, without seconds where they do not matter."""
    minutes, left = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min" if minutes >= EXACT_MINUTES or not left else f"{minutes} min {left} s"
    return f"{left} s"
