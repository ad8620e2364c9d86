"""The rehearsals of a home: every open request is rehearsed in the background, one after the other.

Nothing is believed by halves: the ledger says what is to be done, a report is filed before the row that names it, and
what a killed engine had built is gone on with by the next.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from alma_mcp.design_store import SHORT, Design, DesignStore
from alma_mcp.errors import AlmaError, DesignAltered, DesignError, DesignUnknown, NotApprovable
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Building, Content, Expired, Ready
from alma_mcp.ledger.state import Promotion, PromotionState
from alma_mcp.rehearsals.progress import RehearsalProgress, failure_told
from alma_mcp.rehearsals.rehearsing import Rehearsing

GIVEN_UP: frozenset[PromotionState] = frozenset({"rejected", "expired", "rolled_back"})


class Rehearsals:
    """`folder` holds the memories of designs, `dossiers` the evidence; `wanted` is the design that should serve."""

    def __init__(
        self,
        ledger: ChampionLedger,
        store: DesignStore,
        rehearsing: Rehearsing,
        wanted: Callable[[], Design],
        folder: Path,
        dossiers: Path,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._rehearsing = rehearsing
        self._wanted = wanted
        self._folder = folder
        self._dossiers = dossiers
        self._problems: dict[int, str] = {}
        self._now: RehearsalProgress | None = None
        self._rehearsal: asyncio.Task[None] | None = None
        self._work: asyncio.Task[None] | None = None

    def changed(self) -> None:
        """The ledger may have changed: do in the background what it asks for, and leave what it asks for no more."""
        self._problems.clear()
        if self._now and self._rehearsal and self._now.request not in self._ledger.requests():
            self._rehearsal.cancel()
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._work_off())

    @property
    def progress(self) -> Mapping[int, RehearsalProgress]:
        """How far each request is that is not ready, by its number."""
        told = {number: self._progress_of(each) for number, each in self._ledger.requests().items() if _is_due(each)}
        return {**told, self._now.request: self._now} if self._now and self._now.request in told else told

    def events_of(self, request: int) -> tuple[int, int] | None:
        """The events that are taken in, and of how many; None where a request is not being rehearsed just now."""
        if self._now is None or self._now.request != request:
            return None
        return self._now.events

    @property
    def running(self) -> bool:
        """Whether a rehearsal is under way."""
        return self._now is not None

    def told(self) -> list[str]:
        """How far they are, a sentence each."""
        return [str(each) for each in self.progress.values()]

    async def end(self, design_id: str) -> None:
        """Leave the rehearsal of a design: when this returns, nothing of its memory is open here."""
        if self._now and self._rehearsal and self._now.design == design_id:
            self._rehearsal.cancel()
            await asyncio.wait({self._rehearsal})

    async def close(self) -> None:
        tasks = [task for task in (self._work, self._rehearsal) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until there is nothing to do."""
        while self._work and not self._work.done():
            await asyncio.wait({self._work})

    async def _work_off(self) -> None:
        while True:
            await self._throw_away()
            asked = next(filter(self._can_begin, self._ledger.requests().values()), None)
            if asked is None:
                return
            self._now = self._progress_of(asked)
            self._rehearsal = asyncio.create_task(self._rehearse(asked, self._now))
            try:
                await asyncio.wait({self._rehearsal})
            finally:
                self._now = None
            if not self._rehearsal.cancelled():
                self._rehearsal.result()

    def _can_begin(self, asked: Promotion) -> bool:
        """Not while the design is being built to serve: two must not write to one memory."""
        if not _is_due(asked) or asked.request in self._problems:
            return False
        return self._rehearsing.held(asked.design) is not None or self._wanted().id != asked.design

    async def _rehearse(self, asked: Promotion, progress: RehearsalProgress) -> None:
        number = asked.request
        try:
            if asked.state == "requested":
                await self._record(Building(number))
            design = self._store.get(asked.design, asked.name)
            rehearsal, found = await self._rehearsing.rehearse(design, progress)
            if found.blockers:
                await self._record(Expired(number, "; ".join(found.blockers)))
                return
            await asyncio.to_thread(rehearsal.save, self._dossiers)
            await self._record(Ready(number, rehearsal.report))
        except NotApprovable:
            return  # it was decided, or asked for anew, in this very moment
        except DesignError as error:
            await self._expire(number, failure_told(error, progress.stage))
        except (DesignUnknown, DesignAltered) as error:
            await self._expire(number, str(error).rstrip("."))
        except AlmaError as error:
            self._problems[number] = str(error)

    async def _expire(self, number: int, reason: str) -> None:
        try:
            await self._record(Expired(number, reason))
        except AlmaError as error:
            self._problems[number] = str(error)

    async def _record(self, content: Content) -> None:
        """Write a row to the end, even where the rehearsal is left meanwhile."""
        writing = asyncio.create_task(self._ledger.record(content))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.gather(writing, return_exceptions=True)
            raise

    async def _throw_away(self) -> None:
        """The memories of designs that were given up, where nothing else needs them."""
        promotions = self._ledger.promotions().values()
        needed = {each.design for each in promotions if each.is_open}
        needed |= {champion.design for champion in self._ledger.champions()} | {self._wanted().id}
        for design in {each.design for each in promotions if each.state in GIVEN_UP} - needed:
            folder = self._folder / design[:SHORT]
            if self._rehearsing.held(design) is None and folder.is_dir():
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _progress_of(self, asked: Promotion) -> RehearsalProgress:
        problem = self._problems.get(asked.request, "")
        return RehearsalProgress(asked.request, asked.design, asked.name, problem=problem)


def _is_due(asked: Promotion) -> bool:
    return asked.state in ("requested", "building")
