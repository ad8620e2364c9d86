"""The client sessions that are open now: where each works, and what its client calls itself once it has asked."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from alma_mcp.access import Principal


@dataclass(frozen=True, slots=True)
class Present:
    """One open session and since when (seconds since the epoch); `calls` counts the tools it has called."""

    who: Principal
    since: float
    calls: int = 0


class Presence:
    """Keeps who is connected. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Present] = {}

    @contextlib.contextmanager
    def entered(self, who: Principal) -> Iterator[None]:
        """This session is open while the context is."""
        self._open[who.session] = Present(who, self._clock())
        try:
            yield
        finally:
            self._open.pop(who.session, None)

    def called(self, who: Principal, agent: str) -> None:
        """A session has called a tool, in the name of this agent."""
        if found := self._open.get(who.session):
            named = replace(found.who, agent=agent or found.who.agent)
            self._open[who.session] = replace(found, who=named, calls=found.calls + 1)

    def now(self) -> Sequence[Present]:
        """The open sessions, the first one first."""
        return sorted(self._open.values(), key=lambda each: each.since)
