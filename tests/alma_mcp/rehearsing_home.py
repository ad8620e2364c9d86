"""A home in which challengers are rehearsed: real log, ledger, questions and serving over a fake host."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from fakes import LOUD, WORDS, FakeHost
from running import FakeAsks

from alma_mcp.access import Principal
from alma_mcp.ballast import Ballast
from alma_mcp.contract import Query
from alma_mcp.design_store import Design, DesignStore
from alma_mcp.evidence.rehearsal import Rehearsal, load_rehearsal
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Requested
from alma_mcp.ledger.state import Promotion
from alma_mcp.logs.curation import Curation
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import QuestionLog
from alma_mcp.logs.recordings import Recordings
from alma_mcp.pace import Pace
from alma_mcp.projections.projection import Limits
from alma_mcp.projections.projections import Projections
from alma_mcp.redaction import Redactor
from alma_mcp.rehearsals.rehearsals import Rehearsals
from alma_mcp.rehearsals.rehearsing import Rehearsing
from alma_mcp.service import Draft, MemoryService
from alma_mcp.serving.serving import Serving

WHO = Principal("session-1", "project:/a")
LIMITS = Limits(first_pause_seconds=0, batch=8)


@dataclass
class RehearsingHome:
    """`wanted` is the design that should serve; `outdated` says of a memory whether it is, asked once a memory."""

    folder: Path
    log: ExperienceLog
    store: DesignStore
    ledger: ChampionLedger
    questions: QuestionLog
    curation: Curation
    host: FakeHost
    wanted: Design = WORDS
    opened: list[str] = field(default_factory=list)
    outdated: list[bool] = field(default_factory=list)
    serving: Serving = field(init=False)
    service: MemoryService = field(init=False)
    rehearsals: Rehearsals = field(init=False)

    def projections(self, design: Design) -> Projections:
        self.opened.append(design.name)
        return Projections(
            design,
            self.log,
            self.host,
            lambda *_: FakeAsks(),
            self.folder / "projections",
            3,
            LIMITS,
            outdated=lambda: design != WORDS and bool(self.outdated) and self.outdated.pop(0),
        )

    def begin(self) -> None:
        """What an engine does when it starts."""
        rehearsing = Rehearsing(
            self.log, self.questions, self.serving, self.projections, Pace(lambda: 0.0), self.curation.heeded,
            clock=lambda: 2000.0,
        )  # fmt: skip
        folder, dossiers = self.folder / "projections", self.folder / "dossiers"
        self.rehearsals = Rehearsals(self.ledger, self.store, rehearsing, lambda: self.wanted, folder, dossiers)
        self.rehearsals.changed()

    async def request(self, design: Design = LOUD) -> int:
        """Ask for a promotion, as the control channel does; gives its number."""
        self.store.add(design)
        row = await self.ledger.record(Requested(design.id, design.name, "e" * 64))
        self.rehearsals.changed()
        return row.sequence

    async def rehearsed(self, design: Design = LOUD) -> Promotion:
        """What becomes of a request for this design."""
        number = await self.request(design)
        await self.rehearsals.settled()
        return self.ledger.promotions()[number]

    def report(self, promotion: Promotion) -> Rehearsal:
        return load_rehearsal(self.folder / "dossiers", promotion.report)

    async def remember(self, *texts: str, who: Principal = WHO) -> list[str]:
        return [(await self.service.update(who, Draft(text)))[0] for text in texts]

    async def ask(self, text: str, who: Principal = WHO) -> list[str]:
        answer = await self.service.retrieve(who, Query(text), 1000)
        return [item.id for item in answer.items]

    def memory_of(self, design: Design) -> Path:
        return self.folder / "projections" / design.short


@contextlib.asynccontextmanager
async def rehearsing_home(folder: Path):
    async with contextlib.AsyncExitStack() as stack:
        log = await ExperienceLog.open(folder / "experiences.db")
        stack.push_async_callback(log.close)
        store = DesignStore(folder / "designs")
        store.add(WORDS)
        ledger = await ChampionLedger.open(folder / "ledger.db", WORDS, lambda design: design == WORDS.id)
        stack.push_async_callback(ledger.close)
        recordings = await Recordings.open(folder / "recordings.db")
        stack.push_async_callback(recordings.close)
        redactor = Redactor(b"k" * 32)
        questions = QuestionLog.open(folder / "questions.db", redactor, 1000)
        stack.push_async_callback(questions.close)
        home = RehearsingHome(folder, log, store, ledger, questions, Curation(log, lambda: 1000.0), FakeHost())
        home.serving = Serving(log, lambda: home.wanted, home.projections)
        stack.push_async_callback(home.serving.close)
        ballast = Ballast(folder / "ballast")
        home.service = MemoryService(
            log, redactor, home.serving, ballast, recordings, questions, clock=lambda: 1000.0, pace=Pace(lambda: 0.0),
            curation=home.curation,
        )  # fmt: skip
        home.begin()
        yield home
        home.host.gate.set()
        await home.rehearsals.close()
