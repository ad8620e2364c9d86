"""The catalogue of the experience log: its experiences as a person looks through them, newest first, by pages."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alma_mcp.logs.experience_log import Event, ExperienceLog, event_of

STORED = "kind = 'experience' AND body IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which experiences to show; an empty string is any.

    `only` names those to choose among, where it is given; else `but` names some to leave out.
    """

    scope: str = ""
    kind: str = ""
    agent: str = ""
    only: Collection[str] | None = None
    but: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Experiences, newest first, and whether there are newer and older ones."""

    events: Sequence[Event] = ()
    newer: bool = False
    older: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """How many experiences have the same scope, kind and agent."""

    scope: str
    kind: str
    agent: str
    count: int


@dataclass(frozen=True, slots=True)
class _Condition:
    sql: str
    values: list[Any] = field(default_factory=list)


class Catalogue:
    """Looks experiences up for a person: of all scopes, those withheld too, none that is forgotten."""

    def __init__(self, log: ExperienceLog) -> None:
        self._log = log
        self._groups: list[Group] = []
        self._counted: dict[str, int] = {}

    async def groups(self) -> list[Group]:
        """The numbers of experiences by scope, kind and agent; counted again when the log has grown."""
        if (counts := self._log.counts()) != self._counted:
            self._groups, self._counted = await self._count_groups(), counts
        return self._groups

    async def count(self, wanted: Filter) -> int:
        """How many experiences a filter leaves."""
        if wanted.but:
            left_out = replace(wanted, only=wanted.but, but=())
            return await self.count(replace(wanted, but=())) - await self.count(left_out)
        condition = _condition(wanted)
        rows = await self._log.select(f"SELECT count(*) FROM {condition.sql}", condition.values)
        return int(rows[0][0])

    async def page(self, wanted: Filter, size: int, *, before: int = 0, after: int = 0) -> Page:
        """At most `size` experiences: the newest, or those before a position, or the oldest ones after one."""
        condition = _condition(wanted)
        where, order = ("position > ?", "ASC") if after else ("position < ?", "DESC")
        bound = after or before or 2**62
        rows = await self._log.select(
            "SELECT position, scope, kind, at, body FROM events WHERE position IN"
            f" (SELECT position FROM {condition.sql} AND {where} ORDER BY position {order} LIMIT ?)"
            f" ORDER BY position {order}",
            [*condition.values, bound, size + 1],
        )
        more = len(rows) > size
        events = [event_of(row) for row in rows[:size]]
        return Page(events[::-1], more, True) if after else Page(events, bool(before), more)  # noqa: FBT003

    async def one(self, experience: str) -> Event | None:
        """The experience with this id, unless it is forgotten."""
        rows = await self._log.select(
            "SELECT position, scope, kind, at, body FROM events WHERE experience = ? AND body IS NOT NULL",
            [experience],
        )
        return event_of(rows[0]) if rows else None

    async def said_about(self, event: Event) -> list[Event]:
        """The feedback on an experience and the changes of its trust, newest first."""
        rows = await self._log.select(
            "SELECT position, scope, kind, at, body FROM events WHERE kind <> 'experience'"
            " AND kind IN ('feedback', 'trust') AND scope = ?"
            " AND EXISTS (SELECT 1 FROM json_each(events.body, '$.experiences') WHERE value = ?)"
            " ORDER BY position DESC",
            [event.scope, event.body["id"]],
        )
        return [event_of(row) for row in rows]

    async def _count_groups(self) -> list[Group]:
        rows = await self._log.select(
            f"SELECT scope, sort, agent, count(*) FROM events WHERE {STORED} GROUP BY scope, sort, agent", []
        )
        return [Group(scope, kind or "", agent or "", count) for scope, kind, agent, count in rows]


def _condition(wanted: Filter) -> _Condition:
    """The table to read, with the index that serves a filter, and what is asked of its rows."""
    index, terms, values = "", [STORED], []
    for column, value in (("scope", wanted.scope), ("sort", wanted.kind), ("agent", wanted.agent)):
        if value:
            terms.append(f"{column} = ?")
            values.append(value)
    if wanted.only is not None:
        terms.append("experience IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(wanted.only)))
    elif wanted.kind or wanted.agent:
        index = " INDEXED BY events_browsed"
    if wanted.but:
        terms.append("experience NOT IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(wanted.but)))
    return _Condition(f"events{index} WHERE {' AND '.join(terms)}", values)
