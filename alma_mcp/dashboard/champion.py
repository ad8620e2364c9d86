"""The section about the champion: what answers now, how it is, how fast it is, and whether it helps."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from starlette.requests import Request

from alma_mcp.dashboard.charts import Day, told, usefulness
from alma_mcp.dashboard.highlight import python
from alma_mcp.dashboard.latency import Latency, latency
from alma_mcp.dashboard.rendering import TEMPLATES
from alma_mcp.dashboard.section import Section, Shown
from alma_mcp.design_store import Design
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import QuestionLog
from alma_mcp.status import Status

DAYS = 60
MOST_QUESTIONS = 1000


@dataclass(frozen=True, slots=True)
class ChampionSources:
    """What the section shows. `card` is the text of a bundled design's card; `problems` are the dashboard's own."""

    status: Callable[[], Awaitable[Status]]
    design: Callable[[], Design]
    card: Callable[[], str]
    questions: QuestionLog
    log: ExperienceLog
    clock: Callable[[], float]
    problems: Sequence[str] = ()


def champion_section(sources: ChampionSources) -> Section:
    """The section at `/champion`."""

    async def show(_: Request) -> Shown:
        status = await sources.status()
        design = sources.design()
        days = await _feedback(sources.log, sources.clock())
        return Shown(
            "champion.html",
            {
                "status": status,
                "design": design,
                "card": sources.card(),
                "source": python(design.source),
                "lines": design.source.count("\n"),
                "latency": await _latency(sources, design),
                "days": days,
                "chart": usefulness(days),
                "told": told(days),
                "warnings": [*status.warnings, *sources.problems],
            },
        )

    return Section("Champion", "/champion", TEMPLATES, {"/champion": show})


async def _latency(sources: ChampionSources, design: Design) -> Latency:
    return latency(await sources.questions.newest(MOST_QUESTIONS), design.short)


async def _feedback(log: ExperienceLog, now: float) -> list[Day]:
    """How often memories were called helpful and harmful, for each of the last days (UTC), oldest first."""
    today = datetime.fromtimestamp(now, UTC).date()
    first = today - timedelta(days=DAYS - 1)
    rows = await log.select(
        "SELECT date(at, 'unixepoch'), json_extract(body, '$.signal'),"
        " sum(json_array_length(body, '$.experiences')) FROM events"
        " WHERE kind = 'feedback' AND body IS NOT NULL AND at >= ? GROUP BY 1, 2",
        [datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()],
    )
    counts = {(day, signal): int(count) for day, signal, count in rows}

    def on(day: date) -> Day:
        iso = day.isoformat()
        return Day(f"{day.day} {day:%b}", counts.get((iso, "helpful"), 0), counts.get((iso, "harmful"), 0))

    return [on(first + timedelta(days=number)) for number in range(DAYS)]
