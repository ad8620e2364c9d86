"""The shadow report: real questions, answered by two designs side by side. It keeps ids and times, no texts."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alma_mcp.contract import Query, Retrieval
from alma_mcp.errors import ContractBroken, DesignError, HostError
from alma_mcp.evidence.rehearsal import SideBySide
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import Question
from alma_mcp.pace import Pace
from alma_mcp.projections.projection import Progress, Projection
from alma_mcp.projections.projections import Projections
from alma_mcp.recall import merged

ATTEMPTS = 2

Heeded = Callable[[Retrieval, int], Retrieval]


@dataclass(slots=True)
class Answerer:
    """One of the two designs, and what was seen of it: milliseconds of its answers, how many questions it failed, and
    the most memory (bytes) that its workers held. One that is `trusted` may fail in any way that it likes.
    """

    projections: Projections
    trusted: bool = False
    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0
    memory: int = 0
    warm: set[Projection] = field(default_factory=set)

    def within(self, part: float) -> float:
        """The milliseconds that such a part of its answers came within, 0 where there were none."""
        ranked = sorted(self.milliseconds)
        return ranked[max(0, math.ceil(part * len(ranked)) - 1)] if ranked else 0.0


@dataclass(frozen=True, slots=True)
class _Given:
    ids: tuple[str, ...] = ()
    milliseconds: float = 0.0
    failed: bool = False


class Shadow:
    """Asks both designs, one question after the other, at a `pace` that keeps nobody waiting. `timer` gives seconds,
    `heeded` leaves out of what a design gave what a person has withheld, and cuts it to a limit.
    """

    def __init__(
        self, log: ExperienceLog, pace: Pace, heeded: Heeded, timer: Callable[[], float] = time.perf_counter
    ) -> None:
        self._log = log
        self._pace = pace
        self._heeded = heeded
        self._timer = timer

    async def compare(
        self,
        champion: Answerer,
        challenger: Answerer,
        questions: Sequence[Question],
        now: float,
        progress: Progress,
    ) -> tuple[SideBySide, ...]:
        """Both answers to each question whose scopes are still here, in the order of the questions.

        Those of the same scopes are asked together, so that few workers run; who is asked first changes with each, so
        that neither finds everything warm. Raises `ContractBroken` where the challenger does not keep the contract, and
        `HostError` where it cannot be run.
        """
        kept = [each for each in questions if self._scopes(each)]
        found: dict[int, SideBySide] = {}
        for done, each in enumerate(sorted(kept, key=self._scopes)):
            progress(done, len(kept))
            started = self._timer()
            sides = (champion, challenger) if done % 2 else (challenger, champion)
            given = {id(side): await self._given(side, each, now) for side in sides}
            old, new = given[id(champion)], given[id(challenger)]
            found[each.number] = SideBySide(
                question=each.number,
                champion=old.ids,
                challenger=new.ids,
                champion_ms=old.milliseconds,
                challenger_ms=new.milliseconds,
                champion_failed=old.failed,
                challenger_failed=new.failed,
            )
            await self._pace.rest(self._timer() - started)
        return tuple(found[each.number] for each in kept)

    def _scopes(self, question: Question) -> tuple[str, ...]:
        return tuple(scope for scope in question.scopes if self._log.head(scope))

    async def _given(self, side: Answerer, question: Question, now: float) -> _Given:
        """What it gives; a question that it fails is asked once more, since a worker may have been ended by others."""
        for _ in range(ATTEMPTS):
            try:
                given = await self._asked(side, question, now)
            except (DesignError, HostError) as error:
                if not side.trusted and isinstance(error, ContractBroken | HostError):
                    raise
                continue
            side.milliseconds.append(given.milliseconds)
            side.memory = max(side.memory, side.projections.memory_bytes)
            return given
        side.failed += 1
        return _Given(failed=True)

    async def _asked(self, side: Answerer, question: Question, now: float) -> _Given:
        """The platform's rules hold here as they do for a client's question. A worker that has just been started is
        asked once before the time is taken.
        """
        scopes = self._scopes(question)
        query = Query(question.text, question.context, question.limit, now)
        opened = [side.projections.of(scope) for scope in scopes]
        for projection in opened:
            await projection.follow()
            if projection not in side.warm or not projection.running:
                await projection.retrieve(query)
                side.warm.add(projection)
        started = self._timer()
        retrievals = await asyncio.gather(*(each.retrieve(query) for each in opened))
        allowed = [self._heeded(each, question.limit) for each in retrievals]
        items = await merged(self._log, scopes, allowed, question.limit)
        milliseconds = (self._timer() - started) * 1000
        await side.projections.reap(older_than=float("inf"))
        return _Given(tuple(item.id for item in items), milliseconds)
