"""The section about scopes: what lies in each, who may read it and why, and who is connected now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from starlette.requests import Request

from alma_mcp.access import USER_SCOPE
from alma_mcp.dashboard.rendering import TEMPLATES
from alma_mcp.dashboard.section import Section, Shown
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.presence import Present
from alma_mcp.visible_text import one_line

PROJECT = "project:"


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One scope in words. `stored` counts what can be read; the other numbers are events of their kind."""

    scope: str
    name: str
    where: str
    readers: str
    stored: int
    forgotten: int
    feedback: int
    changed: float
    sessions: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One open session in words: its client, the project it works in, and what it may read."""

    agent: str
    project: str
    where: str
    reads: str
    since: float
    calls: int


def scopes_section(log: ExperienceLog, present: Callable[[], Sequence[Present]]) -> Section:
    """The section at `/scopes`. `present` gives the sessions that are open now."""

    async def show(_: Request) -> Shown:
        sessions = present()
        return Shown(
            "scopes.html",
            {"scopes": await _scopes(log, sessions), "sessions": [_session_row(each) for each in sessions]},
        )

    return Section("Scopes", "/scopes", TEMPLATES, {"/scopes": show})


async def _scopes(log: ExperienceLog, sessions: Sequence[Present]) -> list[ScopeRow]:
    rows = await log.select(
        "SELECT scope, sum(kind = 'experience' AND body IS NOT NULL), sum(kind = 'experience' AND body IS NULL),"
        " sum(kind = 'feedback'), max(at) FROM events GROUP BY scope ORDER BY max(at) DESC",
        [],
    )
    return [
        ScopeRow(
            scope=scope,
            name=name_of(scope),
            where=_where(scope),
            readers=readers_of(scope),
            stored=stored,
            forgotten=forgotten,
            feedback=feedback,
            changed=changed,
            sessions=sum(scope in each.who.readable for each in sessions),
        )
        for scope, stored, forgotten, feedback, changed in rows
    ]


def _session_row(present: Present) -> SessionRow:
    who = present.who
    return SessionRow(
        agent=one_line(who.agent),
        project=name_of(who.project) if who.project else "",
        where=_where(who.project),
        reads=f"{name_of(who.project)}, and you" if who.project else "you alone",
        since=present.since,
        calls=present.calls,
    )


def name_of(scope: str) -> str:
    """What people call a scope: the name of the project's folder."""
    if scope == USER_SCOPE:
        return "You"
    if scope.startswith(PROJECT):
        return one_line(PurePath(scope.removeprefix(PROJECT)).name or scope)
    return one_line(scope)


def _where(scope: str) -> str:
    return one_line(scope.removeprefix(PROJECT)) if scope.startswith(PROJECT) else ""


def readers_of(scope: str) -> str:
    """Who may read a scope, and why, as `Principal.readable` has it."""
    if scope == USER_SCOPE:
        return "Every session of yours, in whatever folder it works: what is stored for you holds everywhere."
    if scope.startswith(PROJECT):
        return (
            "Sessions that work in this folder, one below it or a worktree of its repository."
            " No session of another project."
        )
    return "No session of a client: it is neither a project nor you, such as the scope of a benchmark."
