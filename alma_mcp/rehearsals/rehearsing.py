"""Rehearsing one challenger: build its memory beside the champion's, ask both what was asked here, check it."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from alma_mcp.design_store import Design
from alma_mcp.errors import DeadlineExceeded, WorkerDied
from alma_mcp.evidence.rehearsal import Performance, Rehearsal
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import QuestionLog
from alma_mcp.pace import Pace
from alma_mcp.projections.projections import Projections
from alma_mcp.rehearsals.progress import RehearsalProgress
from alma_mcp.rehearsals.readiness import Readiness, probe, readiness
from alma_mcp.rehearsals.shadow import Answerer, Heeded, Shadow

QUESTIONS = 200
MEGABYTE = 1e6
ATTEMPTS = 3
UNFILLED = "Part of the memories have no vectors yet, because the embedder was not ready: it was compared without them"


class Held(Protocol):
    """The designs whose memory is open already: a folder must not be opened twice."""

    @property
    def live(self) -> Projections: ...
    @property
    def previous(self) -> Projections | None: ...


class Rehearsing:
    """What a rehearsal needs. `clock` gives seconds since the epoch, `timer` seconds since whenever."""

    def __init__(
        self,
        log: ExperienceLog,
        questions: QuestionLog,
        serving: Held,
        projections: Callable[[Design], Projections],
        pace: Pace,
        heeded: Heeded,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._log = log
        self._questions = questions
        self._serving = serving
        self._projections = projections
        self._pace = pace
        self._heeded = heeded
        self._clock = clock
        self._timer = timer

    def held(self, design_id: str) -> Projections | None:
        """The open memory of a design that serves, or that one can go back to."""
        for each in (self._serving.live, self._serving.previous):
            if each and each.design.id == design_id:
                return each
        return None

    async def rehearse(self, design: Design, progress: RehearsalProgress) -> tuple[Rehearsal, Readiness]:
        """Build, ask, check; what was built stays on the disk. Raises `DesignError` or `HostError`.

        Where the embedder changes or another champion serves in between, what that makes untrue is done again.
        """
        while True:
            async with self._opened(design) as challenger:
                started = self._timer()
                filled = await self._built(challenger, progress)
                seconds = self._timer() - started
                if challenger.is_outdated() and self.held(design.id) is None:
                    continue
                return await self._compared(challenger, progress, seconds, filled=filled)

    @contextlib.asynccontextmanager
    async def _opened(self, design: Design) -> AsyncIterator[Projections]:
        if held := self.held(design.id):
            yield held
            return
        opened = self._projections(design)
        try:
            yield opened
        finally:
            await opened.close()

    async def _built(self, challenger: Projections, progress: RehearsalProgress) -> bool:
        """Take in everything; False where some of it could not be embedded."""
        progress.begin("building", self._timer())
        build = challenger.build if self.held(challenger.design.id) else challenger.build_aside
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await build(self._log.counts(), lambda done, total: progress.move(done, total, self._timer()))
                break
            except (WorkerDied, DeadlineExceeded):
                if attempt == ATTEMPTS:
                    raise
        return await challenger.fill()

    async def _compared(
        self, challenger: Projections, progress: RehearsalProgress, seconds: float, *, filled: bool
    ) -> tuple[Rehearsal, Readiness]:
        counts = self._log.counts()
        old, new = Answerer(self._serving.live, trusted=True), Answerer(challenger)
        progress.begin("asking", self._timer())
        questions = await Shadow(self._log, self._pace, self._heeded, self._timer).compare(
            old,
            new,
            await self._questions.newest(QUESTIONS),
            self._clock(),
            lambda done, total: progress.move(done, total, self._timer()),
        )
        if self._serving.live.design.id != old.projections.design.id:
            return await self._compared(challenger, progress, seconds, filled=filled)
        progress.begin("checking", self._timer())
        if new.failed <= old.failed:
            await probe(challenger, self._log, counts, self._clock())
        champion, performance = await _performance(old), await _performance(new)
        set_aside = challenger.set_aside(counts)
        before = old.projections.set_aside(counts)
        found = readiness(performance, champion, len(questions), set_aside, before)
        rehearsal = Rehearsal(
            at=self._clock(),
            challenger=performance,
            champion=champion,
            scopes=len(counts),
            events=sum(counts.values()),
            set_aside=set_aside,
            replay_seconds=seconds,
            questions=questions,
            objections=found.objections if filled else (*found.objections, UNFILLED),
        )
        return rehearsal, found


async def _performance(side: Answerer) -> Performance:
    design = side.projections.design
    return Performance(
        design=design.id,
        name=design.name,
        p50_ms=round(side.within(0.5), 3),
        p95_ms=round(side.within(0.95), 3),
        failed=side.failed,
        disk_mb=round(await side.projections.disk_bytes() / MEGABYTE, 3),
        memory_mb=round(max(side.memory, side.projections.memory_bytes) / MEGABYTE, 3),
    )
