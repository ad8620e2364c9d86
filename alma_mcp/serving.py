"""Serving: the live design and the one before it, and the single act that changes them.

`reconcile` is behind a swap, a rollback and a recovery alike: build what the ledger
names, then move one pointer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from alma_mcp.design_store import Design
from alma_mcp.errors import AlmaError, DesignError, HostError
from alma_mcp.experience_log import ExperienceLog
from alma_mcp.projections import Projections

FAILURES_BEFORE_GIVING_UP = 3


@dataclass(slots=True)
class Swap:
    """A swap under way (events taken in, of how many), or the reason it was refused."""

    design: str
    done: int = 0
    total: int = 0
    refused: str = ""


class Serving:
    """Keeps the live projections at the end of the log, and the previous ones warm for a rollback."""

    def __init__(
        self, log: ExperienceLog, champion: Callable[[], Design], projections: Callable[[Design], Projections]
    ) -> None:
        self._log = log
        self._champion = champion
        self._projections = projections
        self._live = projections(champion())
        self._previous: Projections | None = None
        self._follows: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._reconciling = asyncio.Lock()
        self._reconciliations: set[asyncio.Task[None]] = set()
        self.swap: Swap | None = None

    @property
    def live(self) -> Projections:
        """The projections of the design that answers now."""
        return self._live

    def ledger_changed(self) -> None:
        """Reconcile in the background."""
        task = asyncio.create_task(self.reconcile())
        self._reconciliations.add(task)
        task.add_done_callback(self._reconciliations.discard)

    async def reconcile(self) -> None:
        """Serve what the ledger names.

        A champion that cannot be built leaves the one that serves in place; `swap.refused` says why.
        """
        async with self._reconciling:
            while (target := self._champion()).id != self._live.design.id:
                if self._previous and self._previous.design.id == target.id:
                    self._live, self._previous, self.swap = self._previous, self._live, None
                    self._catch_up()
                    return
                if self.swap and self.swap.refused and self.swap.design == target.id:
                    return
                incoming = self._projections(target)
                if not await self._built(incoming):
                    return
                if self._champion().id != target.id:
                    await incoming.close()
                    continue
                outgoing, self._previous, self._live = self._previous, self._live, incoming
                self.swap = None
                if outgoing:
                    await outgoing.close()

    def follow(self, scope: str, projections: Projections | None = None) -> asyncio.Task[None]:
        """Take in the log of a scope in the background; the task ends when its end is reached."""
        following = projections or self._live
        key = (following.design.id, scope)
        task = self._follows.get(key)
        if task is None or task.done():
            task = self._follows[key] = asyncio.create_task(self._follow_to_end(following, scope))
        return task

    def appended(self, scope: str) -> None:
        """The log of this scope has grown."""
        self.follow(scope)
        if self._previous and scope in self._previous.scopes:
            self.follow(scope, self._previous)

    async def tend(self, idle_seconds: float) -> None:
        """End idle workers, and drop finished follow-ups; called from time to time."""
        self._follows = {key: task for key, task in self._follows.items() if not task.done()}
        for projections in (self._live, self._previous):
            if projections:
                await projections.reap(idle_seconds)

    async def close(self) -> None:
        """End every worker."""
        tasks = [*self._follows.values(), *self._reconciliations]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for projections in (self._live, self._previous):
            if projections:
                await projections.close()

    async def _built(self, incoming: Projections) -> bool:
        swap = self.swap = Swap(incoming.design.id)

        def progress(done: int, total: int) -> None:
            swap.done, swap.total = done, total

        active = self._live.scopes
        others = [scope for scope in self._log.counts() if scope not in active]
        try:
            await incoming.build([*others, *active], progress)
        except (DesignError, HostError) as error:
            swap.refused = str(error)
            await incoming.close()
            return False
        return True

    async def _follow_to_end(self, projections: Projections, scope: str) -> None:
        projection = projections.of(scope)
        failures = 0
        while projection.position < self._log.head(scope) and failures < FAILURES_BEFORE_GIVING_UP:
            try:
                await projection.follow()
            except AlmaError:
                failures += 1

    def _catch_up(self) -> None:
        for scope in self._live.scopes:
            self.follow(scope)
