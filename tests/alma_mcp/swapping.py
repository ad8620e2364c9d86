"""Serving over a fake host, whose ledger a test writes by hand."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from fakes import LOUD, WORDS, FakeHost
from running import FakeAsks

from alma_mcp.access import Principal
from alma_mcp.ballast import Ballast
from alma_mcp.contract import Query
from alma_mcp.design_store import Design
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import QuestionLog
from alma_mcp.logs.recordings import Recordings
from alma_mcp.projections.projection import Limits
from alma_mcp.projections.projections import Projections
from alma_mcp.redaction import Redactor
from alma_mcp.rehearsals.readiness import probe
from alma_mcp.service import Draft, MemoryService
from alma_mcp.serving.canary import Canary, Extent
from alma_mcp.serving.serving import Serving
from alma_mcp.serving.swap import Steps

LIMITS = Limits(first_pause_seconds=0, batch=8)
WHO = Principal("session-1", "project:/a")


class Coins:
    """Coins that fall as they are told, then on the middle: both are asked, and the old one is shown."""

    def __init__(self):
        self.fall = []

    def random(self):
        return self.fall.pop(0) if self.fall else 0.5


@dataclass
class Stage:
    """`champions` are newest first, as in the ledger; those in `approved` have not taken over yet."""

    log: ExperienceLog
    host: FakeHost
    folder: Path
    champions: list[Design] = field(default_factory=lambda: [WORDS])
    approved: list[Design] = field(default_factory=list)
    took_over: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    coins: Coins = field(default_factory=Coins)
    serving: Serving = field(init=False)
    service: MemoryService = field(init=False)
    canary: Canary = field(init=False)

    def settled(self):
        return next(each for each in self.champions if each not in self.approved)

    async def ready(self, built):
        await probe(built, self.log, self.log.counts(), 0.0)
        return ""

    async def moved(self, design):
        if design in self.approved or self.canary.watches(2):
            await self.canary.begin(2, design)
        if design in self.approved:
            self.approved.remove(design)
            self.took_over.append(design.name)

    async def roll_back(self, request, reason):
        if request == 2:
            self.reasons.append(reason)
            self.back()

    def approve(self, design=LOUD):
        self.champions.insert(0, design)
        self.approved.append(design)
        self.serving.ledger_changed()

    async def swap_to(self, design=LOUD):
        self.approve(design)
        await self.settles()

    def back(self):
        gone = self.champions.pop(0)
        self.approved = [each for each in self.approved if each != gone]
        self.serving.ledger_changed()

    async def settles(self):
        """Nothing is left to be done in the background."""
        while tasks := [*self.serving._reconciliations, *self.canary._comparing]:
            await asyncio.wait(tasks)

    async def learn(self, text, who=WHO):
        return (await self.service.update(who, Draft(text)))[0]

    async def texts(self, words="fact", who=WHO):
        return [item.text for item in (await self.service.retrieve(who, Query(words), 2000)).items]


@contextlib.asynccontextmanager
async def stage(folder: Path, extent: Extent | None = None, host: FakeHost | None = None, **champions):
    """A stage over the files of a folder; another one may have been there before."""
    async with contextlib.AsyncExitStack() as stack:
        log = await ExperienceLog.open(folder / "experiences.db")
        stack.push_async_callback(log.close)
        made = Stage(log, host or FakeHost(), folder, **champions)

        def projections(design: Design) -> Projections:
            return Projections(design, log, made.host, lambda *_: FakeAsks(), folder / "projections", 3, LIMITS)

        settled = made.settled()
        behind = made.champions[made.champions.index(settled) + 1 :]
        made.serving = Serving(
            log, lambda: made.champions[0], projections, Steps(ready=made.ready, moved=made.moved), made.settled,
            behind[0] if behind else None,
        )  # fmt: skip
        stack.push_async_callback(made.serving.close)
        made.canary = Canary(made.serving, folder / "canary.json", extent or Extent(0.0), made.roll_back, made.coins)
        stack.push_async_callback(made.canary.close)
        recordings = await Recordings.open(folder / "recordings.db")
        stack.push_async_callback(recordings.close)
        redactor = Redactor(b"k" * 32)
        questions = QuestionLog.open(folder / "questions.db", redactor, 0)
        stack.push_async_callback(questions.close)
        made.service = MemoryService(
            log, redactor, made.serving, Ballast(folder / "ballast"), recordings, questions,
            clock=lambda: 1000.0, canary=made.canary,
        )  # fmt: skip
        yield made
        made.host.gate.set()
