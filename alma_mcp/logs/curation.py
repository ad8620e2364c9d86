"""Curation: what a person decides about stored experiences. Whom to trust, and what to forget after a while.

Each decision is an event of the experience log. Designs do not see it: an experience that is distrusted is
withheld from every answer, whatever the design, and can be trusted again. What is to be forgotten is distrusted at
once and erased when its time has come; until then that can be taken back.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from alma_mcp.contract import Retrieval
from alma_mcp.errors import BadRequest
from alma_mcp.logs.experience_log import ExperienceLog, TrustChange

DISTRUSTED, NORMAL, TRUSTED = 0.0, 0.5, 1.0
UNDO_SECONDS = 600.0
MOST_AT_ONCE = 1000
MOST_SPARE = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """How an experience stands with the person: its trust in [0, 1], where it is to be erased when
    (`forget_at`, seconds since the epoch, UTC), and its trust before that was decided.
    """

    position: int = 0
    trust: float = NORMAL
    forget_at: float | None = None
    before: float = NORMAL

    @property
    def withheld(self) -> bool:
        return self.trust <= DISTRUSTED

    def changed(self, change: TrustChange) -> "Standing":
        """How it stands after one more change; an earlier one than the last changes nothing."""
        if change.position <= self.position:
            return self
        before = self.trust if self.forget_at is None else self.before
        return Standing(change.position, change.trust, change.forget_at, before)


class Curation:
    """The standing of every experience of a log that a person has said something about."""

    def __init__(self, log: ExperienceLog, clock: Callable[[], float] = time.time) -> None:
        self._log = log
        self._clock = clock
        self._standings: dict[str, Standing] = {}
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, log: ExperienceLog, clock: Callable[[], float] = time.time) -> Self:
        """The curation of a log, as its events tell it. Raises `StoreError`."""
        curation = cls(log, clock)
        for change in await log.trust_changes():
            curation._take_in(change)
        return curation

    @property
    def spare(self) -> int:
        """How many more items to ask a design for, so that those withheld leave no gap; 50 at most."""
        return min(MOST_SPARE, sum(each.withheld for each in self._standings.values()))

    def of(self, experience: str) -> Standing:
        """How an experience stands; normal where nobody has said anything."""
        return self._standings.get(experience, Standing())

    def heeded(self, retrieval: Retrieval, limit: int) -> Retrieval:
        """What a design gave, less the items that rest on something withheld; the first `limit` of the others."""
        items = [item for item in retrieval.items if not any(self.of(each).withheld for each in item.experiences)]
        return replace(retrieval, items=tuple(items[:limit]))

    def standings(self) -> dict[str, Standing]:
        """Every experience that stands otherwise than normal."""
        return {name: each for name, each in self._standings.items() if each.trust != NORMAL}

    def waiting(self) -> dict[str, float]:
        """What is to be erased, with the time from which it is (seconds since the epoch, UTC), soonest first."""
        times = {name: each.forget_at for name, each in self._standings.items() if each.forget_at is not None}
        return dict(sorted(times.items(), key=lambda each: each[1]))

    async def trust(self, experiences: Sequence[str], trust: float, by: str) -> int:
        """Give these a trust in [0, 1]. Gives how many stood otherwise. Raises `BadRequest` or `StoreError`."""
        if not 0 <= trust <= 1:
            raise BadRequest(f"Trust is a number from 0 to 1, not {trust}.")
        async with self._turn:
            scope_of = await self._known(experiences)
            if waiting := [each for each in scope_of if self.of(each).forget_at is not None]:
                raise BadRequest(f"{waiting[0]} is about to be forgotten; undo that first.")
            changing = [each for each in scope_of if self.of(each).trust != trust]
            await self._append(scope_of, changing, {"trust": trust, "by": by})
        return len(changing)

    async def forget(self, experiences: Sequence[str], by: str) -> int:
        """Withhold these from now on, and have them erased in ten minutes. Gives how many were not waiting already.

        Raises `BadRequest` or `StoreError`.
        """
        async with self._turn:
            scope_of = await self._known(experiences)
            going = [each for each in scope_of if self.of(each).forget_at is None]
            body = {"trust": DISTRUSTED, "by": by, "forget_at": self._clock() + UNDO_SECONDS}
            await self._append(scope_of, going, body)
        return len(going)

    async def undo(self, experiences: Sequence[str], by: str) -> int:
        """Take back that these are to be forgotten: they stand as before. Gives how many.

        Raises `BadRequest` where it is too late for one of them, or none was to be forgotten.
        """
        async with self._turn:
            scope_of = await self._known(experiences)
            times = {each: at for each in scope_of if (at := self.of(each).forget_at) is not None}
            if not times:
                raise BadRequest("Nothing of this waits to be forgotten; there is nothing to undo.")
            if min(times.values()) <= self._clock():
                raise BadRequest("The ten minutes are over: this is being erased and cannot be brought back.")
            by_trust: dict[float, list[str]] = defaultdict(list)
            for each in times:
                by_trust[self.of(each).before].append(each)
            for trust, those in by_trust.items():
                await self._append(scope_of, those, {"trust": trust, "by": by})
        return len(times)

    @contextlib.asynccontextmanager
    async def erasing(self) -> AsyncIterator[dict[str, list[str]]]:
        """The experiences whose time has come, by scope, 1,000 at most; nobody takes that back meanwhile."""
        async with self._turn:
            due = [each for each, at in self.waiting().items() if at <= self._clock()][:MOST_AT_ONCE]
            known = await self._log.experiences(list(self._log.counts()), due) if due else {}
            by_scope: dict[str, list[str]] = defaultdict(list)
            for name, event in known.items():
                by_scope[event.scope].append(name)
            yield by_scope
            self.forgotten(due)

    def forgotten(self, experiences: Sequence[str]) -> None:
        """These have been erased; how they stood goes with them."""
        for each in experiences:
            self._standings.pop(each, None)

    async def _known(self, experiences: Sequence[str]) -> dict[str, str]:
        """The scope of each of these experiences."""
        if not 1 <= len(experiences) <= MOST_AT_ONCE:
            raise BadRequest(f"Choose 1 to {MOST_AT_ONCE:,} memories.")
        known = await self._log.experiences(list(self._log.counts()), experiences)
        if unknown := [each for each in experiences if each not in known]:
            raise BadRequest(f"No memory has the id {unknown[0]!r}; it may have been forgotten. Nothing was changed.")
        return {name: event.scope for name, event in known.items()}

    async def _append(self, scope_of: dict[str, str], experiences: Sequence[str], body: dict[str, object]) -> None:
        for scope in sorted({scope_of[each] for each in experiences}):
            those = [each for each in experiences if scope_of[each] == scope]
            event = {"experiences": those, **body}
            position, _ = await self._log.append(scope, "trust", event, self._clock())
            forget_at, trust = body.get("forget_at"), body["trust"]
            assert isinstance(trust, float)
            assert forget_at is None or isinstance(forget_at, float)
            for each in those:
                self._take_in(TrustChange(position, each, trust, forget_at))

    def _take_in(self, change: TrustChange) -> None:
        self._standings[change.experience] = self.of(change.experience).changed(change)
