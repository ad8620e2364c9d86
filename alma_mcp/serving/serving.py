"""Serving: the live design and the one before it, and the single act that changes them.

`reconcile` is behind a swap, a rollback, another embedder and a recovery alike: build what
the ledger names, with the embedder that is chosen, see that it answers, then move one pointer.
"""

import asyncio
import contextlib
from collections.abc import Callable

from alma_mcp.design_store import Design
from alma_mcp.errors import AlmaError, DesignError, HostError, WorkerDied
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.projections.projections import Projections
from alma_mcp.serving.swap import Steps, Swap

FAILURES_BEFORE_GIVING_UP = 3
ATTEMPTS = 3  # where a worker died: somebody else may have ended it
MOST_PASSES = 3  # over what has grown while it was being built; the rest is followed once it serves


class Serving:
    """Keeps the live projections at the end of the log, and the previous ones warm for a rollback.

    `champion` is the design that the ledger names, `settled` the newest of its champions that has been live: it serves
    until the champion is built. `previous` is the one before that, where its memory is still there; it takes in what is
    learnt for as long as `keeps_previous` says so, and afterwards only where it is in use.
    """

    def __init__(
        self,
        log: ExperienceLog,
        champion: Callable[[], Design],
        projections: Callable[[Design], Projections],
        steps: Steps | None = None,
        settled: Callable[[], Design] | None = None,
        previous: Design | None = None,
        keeps_previous: Callable[[], bool] = lambda: True,
    ) -> None:
        self._log = log
        self._champion = champion
        self._settled = settled or champion
        self._projections = projections
        self._steps = steps or Steps()
        self._keeps_previous = keeps_previous
        self._live = projections(self._settled())
        self._live.serve()
        other = previous if previous and previous.id != self._live.design.id else None
        self._previous = projections(other) if other else None
        self._follows: dict[tuple[Projections, str], asyncio.Task[None]] = {}
        self._reconciling = asyncio.Lock()
        self._reconciliations: set[asyncio.Task[None]] = set()
        self._building: asyncio.Task[bool] | None = None
        self.swap: Swap | None = None

    @property
    def live(self) -> Projections:
        """The projections of the design that answers now."""
        return self._live

    @property
    def previous(self) -> Projections | None:
        """The projections of the design that one can go back to at once."""
        return self._previous

    def ledger_changed(self) -> None:
        """Go back at once where that is what the ledger says; whatever else there is to do is done in the background.

        A build of what is no longer wanted is broken off, and nothing waits for it.
        """
        target = self._champion()
        if self._building and self.swap and self.swap.design != target.id:
            self._building.cancel()
        self._turned_back(target)
        task = asyncio.create_task(self._reconcile_behind())
        self._reconciliations.add(task)
        task.add_done_callback(self._reconciliations.discard)

    async def reconcile(self) -> None:
        """Serve what the ledger names, with the embedder that is chosen.

        What cannot be built, or is not ready, leaves the one that serves in place; `swap.refused` says why.
        Raises what `Steps.moved` raises.
        """
        async with self._reconciling:
            while (target := self._champion()).id != self._live.design.id or self._live.is_outdated():
                if self._turned_back(target):
                    continue
                if self.swap and self.swap.refused and self.swap.design == target.id:
                    return
                if not await self._swapped(target):
                    return
            self.swap = None
            await self._steps.moved(target)

    async def fill(self) -> bool:
        """Have embedded what waits. Gives whether nothing does any more, and all is of the chosen embedder."""
        return not self._live.is_outdated() and await self._live.fill()

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
        if self._previous and (self._keeps_previous() or scope in self._previous.scopes):
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

    def _turned_back(self, target: Design) -> bool:
        """Move the pointer to the design that served before, where the ledger goes back to it: nothing is built."""
        previous = self._previous
        if previous is None or previous.design.id != target.id or self._live.design.id == target.id:
            return False
        if self._settled().id != target.id:
            return False
        self._live, self._previous, self.swap = previous, self._live, None
        self._live.serve()
        self._catch_up()
        return True

    async def _swapped(self, target: Design) -> bool:
        """Build a design and move the pointer to it. False where that cannot be done now.

        True as well where the ledger changed meanwhile: then there is something else to do.
        """
        incoming = self._incoming(target)
        self.swap = Swap(target.id, reembeds=target.id == self._live.design.id)
        building = self._building = asyncio.create_task(self._built(incoming, self.swap))
        moves = False
        try:
            await asyncio.wait({building})
            if building.cancelled():
                return True
            built = building.result()
            moves = built and self._champion().id == target.id
            if moves:
                await self._move_to(incoming)
            return built
        finally:
            self._building = None
            building.cancel()
            await asyncio.gather(building, return_exceptions=True)
            if not moves and incoming is not self._previous:
                await incoming.close()

    def _incoming(self, target: Design) -> Projections:
        if self._previous and self._previous.design.id == target.id != self._live.design.id:
            return self._previous
        return self._projections(target)

    async def _built(self, incoming: Projections, swap: Swap) -> bool:
        """Bring it to the end of the log, and see whether it is ready; `swap.refused` says why it is not."""
        try:
            await self._steps.prepare(incoming.design)
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    await self._take_in_all(incoming, swap)
                    break
                except WorkerDied:
                    if attempt == ATTEMPTS:
                        raise
            if swap.reembeds and not await incoming.fill():
                self.swap = None
                return False
            swap.refused = await self._steps.ready(incoming)
        except (DesignError, HostError) as error:
            swap.refused = str(error)
        return not swap.refused

    async def _take_in_all(self, incoming: Projections, swap: Swap) -> None:
        """Those in use last, so that they are at the end of the log; then what has grown meanwhile."""
        active = self._live.scopes
        scopes = [*(scope for scope in self._log.counts() if scope not in active), *active]
        for _ in range(MOST_PASSES):
            heads = {scope: self._log.head(scope) for scope in self._log.counts()}
            await incoming.build(scopes, swap.timed(asyncio.get_running_loop().time))
            scopes = [scope for scope in self._log.counts() if self._log.head(scope) > heads.get(scope, 0)]

    async def _move_to(self, incoming: Projections) -> None:
        """One pointer; what nobody can go back to is thrown away."""
        incoming.serve()
        self.swap = None
        outgoing: Projections | None
        if incoming.design.id == self._live.design.id:
            outgoing, self._live = self._live, incoming
        else:
            outgoing, self._previous, self._live = self._previous, self._live, incoming
        self._catch_up()
        if outgoing and outgoing is not incoming:
            await outgoing.destroy()

    async def _reconcile_behind(self) -> None:
        with contextlib.suppress(AlmaError):  # tried again from time to time
            await self.reconcile()

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
