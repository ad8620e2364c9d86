"""One stored experience as a page shows it, and what was said about it. Every text is made visible here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from alma_mcp.contract import Experience
from alma_mcp.dashboard.scopes import name_of
from alma_mcp.logs.curation import DISTRUSTED, NORMAL, TRUSTED, Standing
from alma_mcp.logs.experience_log import Event
from alma_mcp.visible_text import one_line, visible

Level = Literal["trusted", "normal", "distrusted", "waiting"]
Tone = Literal["good", "bad", "warn", "plain"]
TRUST: dict[str, float] = {"trusted": TRUSTED, "normal": NORMAL, "distrusted": DISTRUSTED}
TITLE_CHARACTERS = 140
LONG_CHARACTERS = 1500
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Part:
    """A text of an experience, and who said it. `rest` is what does not fit at first sight."""

    actor: str
    text: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An experience in words for a page. `level` is how it stands with the person."""

    id: str
    address: str
    position: int
    at: float
    title: str
    glimpse: str
    kind: str
    scope: str
    place: str
    agent: str
    session: str
    source: str
    reward: str
    level: Level
    forget_at: float | None
    left: str
    task: Part
    steps: tuple[Part, ...]
    outcome: Part


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was said about an experience: feedback, or a decision of a person."""

    at: float
    text: str
    tone: Tone
    by: str = ""


def row_of(event: Event, standing: Standing, now: float) -> Row:
    """The row of an experience; `now` is in seconds since the epoch, UTC."""
    experience = Experience.from_json(event.body)
    first = experience.task or next((step.text for step in experience.steps if step.text.strip()), "")
    said = " ".join(step.text for step in experience.steps) if experience.task else ""
    title = one_line(first or experience.outcome) or "(empty)"
    return Row(
        id=visible(experience.id),
        address=address_of(experience.id),
        position=event.position,
        at=event.at,
        title=_cut(title),
        glimpse=_cut(one_line(said)),
        kind=one_line(experience.kind),
        scope=one_line(event.scope),
        place=name_of(event.scope),
        agent=one_line(experience.agent),
        session=one_line(experience.session),
        source=one_line(experience.source),
        reward="" if experience.reward is None else f"{experience.reward:g}",
        level=level_of(standing),
        forget_at=standing.forget_at,
        left=left_until(standing.forget_at, now),
        task=part_of("", experience.task),
        steps=tuple(part_of(step.actor, step.text) for step in experience.steps),
        outcome=part_of("", experience.outcome),
    )


def address_of(experience: str) -> str:
    """The page of an experience."""
    return f"/memories/{quote(experience, safe='')}"


def level_of(standing: Standing) -> Level:
    """How an experience stands, as one of the levels that a page knows."""
    if standing.forget_at is not None:
        return "waiting"
    if standing.withheld:
        return "distrusted"
    return "trusted" if standing.trust > NORMAL else "normal"


def left_until(moment: float | None, now: float) -> str:
    """How long it is until a moment, in whole minutes."""
    if moment is None:
        return ""
    minutes = math.ceil((moment - now) / MINUTE)
    return f"in {minutes} min" if minutes > 0 else "within seconds"


def remarks_of(events: Sequence[Event]) -> list[Remark]:
    """What was said about an experience, newest first, as `events` are."""
    remarks: list[Remark] = []
    waiting = False
    for event in reversed(events):
        remarks.append(_remark(event, waiting=waiting))
        if event.kind == "trust":
            waiting = "forget_at" in event.body
    return remarks[::-1]


def part_of(actor: str, text: str) -> Part:
    """A text, cut where it is long."""
    shown = visible(text)
    if len(shown) <= LONG_CHARACTERS:
        return Part(one_line(actor), shown)
    return Part(one_line(actor), shown[:LONG_CHARACTERS], shown[LONG_CHARACTERS:])


def _remark(event: Event, *, waiting: bool) -> Remark:
    if event.kind == "feedback":
        signal = event.body["signal"]
        return Remark(event.at, f"An assistant found it {signal}", "good" if signal == "helpful" else "bad")
    by = one_line(str(event.body.get("by", "")))
    return Remark(event.at, *_decision(event.body, waiting=waiting), by)


def _decision(body: Any, *, waiting: bool) -> tuple[str, Tone]:
    if "forget_at" in body:
        return "To be forgotten", "bad"
    if waiting:
        return "Forgetting undone", "plain"
    match level_of(Standing(trust=float(body["trust"]))):
        case "trusted":
            return "Trusted", "good"
        case "distrusted":
            return "Distrusted", "warn"
        case _:
            return "Back to normal trust", "plain"


def _cut(text: str) -> str:
    return text if len(text) <= TITLE_CHARACTERS else f"{text[: TITLE_CHARACTERS - 1].rstrip()}…"
