"""Serving: the live design and the one before it, and the single act that changes them.

`reconcile` is behind a swap, a rollback, another embedder and a recovery alike: build what
the ledger names, with the embedder that is chosen, then move one pointer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from alma_mcp.design_store import Design
from alma_mcp.errors import AlmaError, DesignError, HostError
from alma_mcp.experience_log import ExperienceLog
from alma_mcp.projections import Projections

FAILURES_BEFORE_GIVING_UP = 3
MOST_SLEEPS = 2000  # of five seconds each: a million passages; a design that never has enough is let off


@dataclass(slots=True)
class Swap:
    """A swap under way (events taken in, of how many), or the reason it was refused.

    `reembeds`: not to another design, but to vectors of another embedder.
    """

    design: str
    reembeds: bool = False
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
        self._live.serve()
        self._previous: Projections | None = None
        self._follows: dict[tuple[Projections, str], asyncio.Task[None]] = {}
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
        """Serve what the ledger names, with the embedder that is chosen.

        What cannot be built leaves the one that serves in place; `swap.refused` says why.
        """
        async with self._reconciling:
            while (target := self._champion()).id != self._live.design.id or self._live.is_outdated():
                if self._previous and self._previous.design.id == target.id:
                    self._live, self._previous, self.swap = self._previous, self._live, None
                    self._live.serve()
                    self._catch_up()
                    continue
                if self.swap and self.swap.refused and self.swap.design == target.id:
                    return
                incoming = self._projections(target)
                if not await self._built(incoming):
                    return
                if self._champion().id != target.id:
                    await incoming.close()
                    continue
                await self._move_to(incoming)

    async def fill(self) -> bool:
        """Have embedded what waits. Gives whether nothing does any more, and all is of the chosen embedder."""
        return not self._live.is_outdated() and await self._filled(self._live)

    def follow(self, scope: str, projections: Projections | None = None) -> asyncio.Task[None]:
        """Take in the log of a scope in the background; the task ends when its end is reached."""
        following = projections or self._live
        key = (following, scope)
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
        reembeds = incoming.design.id == self._live.design.id
        swap = self.swap = Swap(incoming.design.id, reembeds)

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
        if reembeds and not await self._filled(incoming):
            self.swap = None
            await incoming.close()
            return False
        return True

    async def _move_to(self, incoming: Projections) -> None:
        """One pointer; what nobody can go back to is thrown away."""
        incoming.serve()
        self.swap = None
        if incoming.design.id == self._live.design.id:
            outgoing: Projections | None
            outgoing, self._live = self._live, incoming
        else:
            outgoing, self._previous, self._live = self._previous, self._live, incoming
        if outgoing:
            await outgoing.destroy()

    async def _filled(self, projections: Projections) -> bool:
        """Have embedded what waits for an embedder, a sleep after the other; False where some of it goes on waiting."""
        generation = projections.generation
        for scope in sorted(generation.waiting) if generation else ():
            assert generation is not None
            for _ in range(MOST_SLEEPS):
                before = generation.refusals
                try:
                    wants_more = await projections.of(scope).consolidate()
                except (DesignError, HostError):
                    return False
                if generation.refusals != before:
                    return False
                if not wants_more:
                    break
            generation.filled(scope)
        return True

    async def _follow_to_end(self, projections: Projections, scope: str) -> None:
        failures = 0
        while failures < FAILURES_BEFORE_GIVING_UP:
            try:
                projection = projections.of(scope)
                if projection.position >= self._log.head(scope):
                    return
                await projection.follow()
            except AlmaError:
                failures += 1

    def _catch_up(self) -> None:
        for scope in self._live.scopes:
            self.follow(scope)
