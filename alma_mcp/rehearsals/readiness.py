"""Whether a challenger may stand before a person, and what speaks against it: what was measured, and a live probe."""

from collections.abc import Iterable
from dataclasses import dataclass

from alma_mcp.contract import Experience, Query
from alma_mcp.errors import WorkerDied
from alma_mcp.evidence.rehearsal import Performance
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.projections.projections import Projections

SLOWER = 3.0
SLACK_MS = 50.0
ENOUGH_QUESTIONS = 20
PROBED_CHARACTERS = 200
PROBED_ITEMS = 10


@dataclass(frozen=True, slots=True)
class Readiness:
    """Sentences without a full stop. `blockers` end a request; `objections` are for a person to weigh."""

    blockers: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()


def readiness(challenger: Performance, champion: Performance, questions: int, set_aside: int, before: int) -> Readiness:
    """What the figures of both say. `set_aside` events could not be taken in, `before` of them by the champion.

    Of few questions the time is not judged: a single slow one would decide.
    """
    blockers, objections = [], []
    if challenger.failed > champion.failed:
        blockers.append(
            f"It failed {challenger.failed:,} of {questions:,} questions that were asked here, the champion"
            f" {champion.failed:,}"
        )
    if questions >= ENOUGH_QUESTIONS and challenger.p95_ms > SLOWER * champion.p95_ms + SLACK_MS:
        objections.append(
            f"95 of 100 answers to questions that were asked here came within {challenger.p95_ms:,.0f} ms, the"
            f" champion's within {champion.p95_ms:,.0f} ms"
        )
    if set_aside > before:
        objections.append(f"It could not take in {set_aside:,} of the events here, the champion {before:,}")
    return Readiness(tuple(blockers), tuple(objections))


async def probe(projections: Projections, log: ExperienceLog, scopes: Iterable[str], now: float) -> None:
    """Ask a design for the newest memory of each scope, in that memory's own words; `now` in seconds.

    Raises `DesignError` where it does not answer as the contract says, or `HostError`. What it gives is not judged: an
    empty answer is one.
    """
    for scope in scopes:
        newest = await log.latest(scope, 1)
        if newest:
            text = Experience.from_json(newest[0].body).text[:PROBED_CHARACTERS]
            await _asked(projections, scope, Query(text, limit=PROBED_ITEMS, time=now))
            await projections.reap(older_than=float("inf"))


async def _asked(projections: Projections, scope: str, query: Query) -> None:
    """Twice where its worker died: somebody else may have ended it."""
    try:
        await projections.of(scope).retrieve(query)
    except WorkerDied:
        await projections.of(scope).retrieve(query)
