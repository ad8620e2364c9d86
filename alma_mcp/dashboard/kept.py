"""What is kept for a visit between two requests: one thing, for two minutes, taken once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from alma_mcp.errors import NotApprovable

T = TypeVar("T")
KEPT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Thing(Generic[T]):
    thing: T
    until: float


class Kept(Generic[T]):
    """In memory alone, by the id of the visit. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._things: dict[str, _Thing[T]] = {}

    def keep(self, visit: str, thing: T) -> None:
        """Keep it in place of what was kept for this visit before."""
        now = self._clock()
        self._things = {name: each for name, each in self._things.items() if now < each.until}
        self._things[visit] = _Thing(thing, now + KEPT_SECONDS)

    def take(self, visit: str) -> T:
        """What was kept, which is forgotten with this. Raises `NotApprovable` where there is nothing (any more)."""
        found = self._things.pop(visit, None)
        if found is None or self._clock() >= found.until:
            raise NotApprovable(
                "This was not begun here, or is older than two minutes; nothing was decided. Begin again."
            )
        return found.thing
