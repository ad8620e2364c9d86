"""A swap under way: what it leads to, how far it is, and what it asks of others before and after the pointer moves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from alma_mcp.design_store import Design
from alma_mcp.projections.projections import Projections


@dataclass(slots=True)
class Swap:
    """A swap under way (events taken in, of how many), or the reason it was refused.

    `reembeds`: not to another design, but to vectors of another embedder. `seconds_left` is 0 while it is not known.
    """

    design: str
    reembeds: bool = False
    done: int = 0
    total: int = 0
    seconds_left: float = 0.0
    refused: str = ""

    def timed(self, clock: Callable[[], float]) -> Callable[[int, int], None]:
        """What is told the events taken in and their number, and reckons the time left from the pace so far."""
        began, first = clock(), -1

        def progress(done: int, total: int) -> None:
            nonlocal began, first
            self.done, self.total = done, total
            if first < 0:
                began, first = clock(), done
            elif done > first:
                self.seconds_left = (clock() - began) * (total - done) / (done - first)

        return progress


async def at_once(design: Design) -> None:
    """Nothing is to be awaited."""


async def _ready(_: Projections) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Steps:
    """What a swap does besides building and moving the pointer; the engine's parts fill it in.

    `prepare` is awaited before a design is built, `ready` gives why what was built may not serve yet, empty where it
    may, and `moved` is awaited whenever the design that the ledger names is the one that serves. `ready` may raise
    `DesignError` or `HostError`, `moved` any `AlmaError`.
    """

    prepare: Callable[[Design], Awaitable[None]] = at_once
    ready: Callable[[Projections], Awaitable[str]] = _ready
    moved: Callable[[Design], Awaitable[None]] = at_once
