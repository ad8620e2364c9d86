"""A memory service over a real experience log and a fake host."""

from dataclasses import dataclass

import pytest
from fakes import WORDS, FakeHost
from running import FakeAsks

from alma_mcp.access import Principal
from alma_mcp.ballast import Ballast
from alma_mcp.design_store import Design
from alma_mcp.logs.curation import Curation
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import QuestionLog
from alma_mcp.logs.recordings import Recordings
from alma_mcp.projections.projection import Limits
from alma_mcp.projections.projections import Projections
from alma_mcp.redaction import Redactor
from alma_mcp.service import MemoryService
from alma_mcp.serving.serving import Serving

WHO = Principal("session-1", "project:/a")
LIMITS = Limits(first_pause_seconds=0, batch=8)


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    log: ExperienceLog
    host: FakeHost
    serving: Serving
    service: MemoryService
    questions: QuestionLog
    recordings: Recordings
    curation: Curation
    clock: Clock
    champion: Design = WORDS
    who: Principal = WHO


@pytest.fixture
async def log(tmp_path):
    log = await ExperienceLog.open(tmp_path / "experiences.db")
    yield log
    await log.close()


@pytest.fixture
async def world(log, tmp_path):
    host = FakeHost()
    made: list[World] = []

    def projections(design: Design) -> Projections:
        return Projections(design, log, host, lambda *_: FakeAsks(), tmp_path / "projections", 3, LIMITS)

    serving = Serving(log, lambda: made[0].champion if made else WORDS, projections)
    recordings = await Recordings.open(tmp_path / "recordings.db")
    ballast = Ballast(tmp_path / "ballast")
    questions = QuestionLog.open(tmp_path / "questions.db", Redactor(b"k" * 32), 10)
    clock = Clock()
    curation = await Curation.open(log, clock)
    service = MemoryService(
        log, Redactor(b"k" * 32), serving, ballast, recordings, questions, clock=clock, curation=curation
    )
    made.append(World(log, host, serving, service, questions, recordings, curation, clock))
    yield made[0]
    host.gate.set()
    await serving.close()
    await questions.close()
    await recordings.close()
