"""The experience log: what happened, in order, for ever, except what its owner forgets.

One of the two truths of alma-mcp (the other is the ledger of champions). An append that
returned is on the disk. Positions grow by time over all scopes of a log.
"""

import asyncio
import contextlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import aiosqlite

from alma_mcp.errors import DatabaseCorrupt, HomeUnusable, StoreError
from alma_mcp.logs.experience_schema import MIGRATIONS

EventKind = Literal["experience", "feedback", "forgetting", "trust"]

APPLICATION_ID = 0x414C4D41


@dataclass(frozen=True, slots=True)
class Event:
    """One row: an experience, a feedback, a forgetting or a change of trust, with its place in the order."""

    position: int
    scope: str
    kind: EventKind
    at: float
    body: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"position": self.position, "kind": self.kind, "at": self.at, "body": self.body}


@dataclass(frozen=True, slots=True)
class Forgetting:
    """At `position` of the log experiences of a scope were forgotten, the earliest one at `earliest`."""

    position: int
    scope: str
    earliest: int


@dataclass(frozen=True, slots=True)
class TrustChange:
    """At `position` of the log a person gave an experience this trust, in [0, 1].

    Where `forget_at` (seconds since the epoch, UTC) is given, it is to be erased then.
    """

    position: int
    experience: str
    trust: float
    forget_at: float | None


@contextlib.contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "full" in text or "disk I/O" in text:
            raise HomeUnusable(f"The disk that holds {path} is full or failing; nothing was stored.") from error
        if "readonly" in text or "unable to open" in text:
            raise HomeUnusable(f"Cannot write {path} ({text}); check its rights and the disk.") from error
        if isinstance(error, sqlite3.DatabaseError) and ("malformed" in text or "not a database" in text):
            raise DatabaseCorrupt(
                f"{path} is damaged or not a database; nothing was changed. Put a backup in its place or move it away."
            ) from error
        raise StoreError(f"The database {path} refused: {text}.") from error


async def open_database(path: Path, migrations: Sequence[str]) -> aiosqlite.Connection:
    """Open a durable database of ours (WAL, full synchronisation) and bring its schema up to date.

    Raises `DatabaseCorrupt` for anything that is not one, and `StoreError` for a newer schema.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise HomeUnusable(f"Cannot write {path} ({error.strerror}); check its rights and the disk.") from error
    with database_errors(path):
        connection = await aiosqlite.connect(path, isolation_level=None)
        try:
            await _migrate(connection, path, migrations)
        except BaseException:
            await connection.close()
            raise
    return connection


async def _migrate(connection: aiosqlite.Connection, path: Path, migrations: Sequence[str]) -> None:
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        await connection.execute(f"PRAGMA {pragma}")
    version = await pragma_value(connection, "user_version")
    if await pragma_value(connection, "application_id") not in (0, APPLICATION_ID):
        raise DatabaseCorrupt(f"{path} is a database of another program; choose another home with `--home PATH`.")
    if version > len(migrations):
        raise StoreError(f"{path} was written by a newer alma-mcp; update this one.")
    for number, script in enumerate(migrations[version:], start=version + 1):
        await connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA user_version={number}; PRAGMA application_id={APPLICATION_ID}; COMMIT;"
        )


async def pragma_value(connection: aiosqlite.Connection, name: str) -> int:
    async with connection.execute(f"PRAGMA {name}") as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


class ExperienceLog:
    """Append, read after, forget. One process writes; reads do not wait for writes."""

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._turn = asyncio.Lock()
        self._heads: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    @classmethod
    async def open(cls, path: Path) -> Self:
        writer = await open_database(path, MIGRATIONS)
        reader = None
        try:
            with database_errors(path):
                reader = await aiosqlite.connect(path, isolation_level=None)
            log = cls(path, writer, reader)
            await log._load_heads()
        except BaseException:
            if reader:
                await reader.close()
            await writer.close()
            raise
        return log

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()

    async def append(
        self, scope: str, kind: EventKind, body: Mapping[str, Any], at: float, key: str = ""
    ) -> tuple[int, bool]:
        """Write one event durably. Gives its position and whether it is new.

        The same non-empty `key` appends once: the second call gives the first one's position.
        """
        async with self._transaction() as connection:
            if key and (earlier := await _first(connection, "SELECT position FROM events WHERE key = ?", [key])):
                return int(earlier[0]), False
            cursor = await connection.execute(
                "INSERT INTO events (scope, kind, at, body, experience, key) VALUES (?, ?, ?, ?, ?, ?)",
                (scope, kind, at, json.dumps(body), body["id"] if kind == "experience" else None, key or None),
            )
            if kind == "forgetting":
                await connection.executemany(
                    "UPDATE events SET body = NULL WHERE experience = ? AND scope = ?",
                    [(experience, scope) for experience in body["experiences"]],
                )
            position = cursor.lastrowid
        assert position is not None
        if kind == "forgetting":
            await self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if kind != "trust":
            self._heads[scope] = position
            self._counts[scope] = self._counts.get(scope, 0) + 1
        return position, True

    async def read(self, scope: str, after: int, limit: int) -> list[Event]:
        """At most `limit` events of a scope behind a position, oldest first, for a design to take in.

        Forgotten experiences are left out, and what a person said of trust: that is for the platform to heed.
        """
        rows = await self.select(
            "SELECT position, scope, kind, at, body FROM events"
            " WHERE scope = ? AND position > ? AND kind <> 'trust' AND body IS NOT NULL ORDER BY position LIMIT ?",
            [scope, after, limit],
        )
        return [event_of(row) for row in rows]

    async def latest(self, scope: str, limit: int) -> list[Event]:
        """The newest experiences of a scope, newest first."""
        rows = await self.select(
            "SELECT position, scope, kind, at, body FROM events WHERE scope = ? AND kind = 'experience'"
            " AND body IS NOT NULL ORDER BY position DESC LIMIT ?",
            [scope, limit],
        )
        return [event_of(row) for row in rows]

    async def experiences(self, scopes: Sequence[str], ids: Sequence[str]) -> dict[str, Event]:
        """The experiences with these ids that lie in one of the scopes and are not forgotten."""
        rows = await self.select(
            "SELECT position, scope, kind, at, body FROM events WHERE body IS NOT NULL"
            f" AND experience IN ({_marks(ids)}) AND +scope IN ({_marks(scopes)})",  # + keeps to the index of ids
            [*ids, *scopes],
        )
        return {event.body["id"]: event for event in map(event_of, rows)}

    async def forgettings(self, after: int) -> list[Forgetting]:
        """What was forgotten behind a position, in order."""
        rows = await self.select(
            "SELECT position, scope, (SELECT min(each.position) FROM json_each(events.body, '$.experiences') named"
            " JOIN events each ON each.experience = named.value AND each.scope = events.scope)"
            " FROM events WHERE position > ? AND kind = 'forgetting' ORDER BY position",
            [after],
        )
        return [Forgetting(position, scope, earliest or position) for position, scope, earliest in rows]

    async def trust_changes(self) -> list[TrustChange]:
        """What was said of the trust of experiences that are not forgotten, in order."""
        rows = await self.select(
            "SELECT events.position, named.value, json_extract(events.body, '$.trust'),"
            " json_extract(events.body, '$.forget_at') FROM events, json_each(events.body, '$.experiences') named"
            " JOIN events each ON each.experience = named.value AND each.scope = events.scope"
            " AND each.body IS NOT NULL"
            " WHERE events.kind <> 'experience' AND events.kind = 'trust' ORDER BY events.position",
            [],
        )
        return [TrustChange(*row) for row in rows]

    def head(self, scope: str) -> int:
        """The position of the last event of a scope that designs take in, 0 where there is none."""
        return self._heads.get(scope, 0)

    def counts(self) -> dict[str, int]:
        """The number of events of each scope that designs take in."""
        return dict(self._counts)

    async def _load_heads(self) -> None:
        for scope, head, count in await self.select(
            "SELECT scope, max(position), count(*) FROM events WHERE kind <> 'trust' GROUP BY scope", []
        ):
            self._heads[scope] = head
            self._counts[scope] = count

    async def select(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows that a SELECT over the table `events` finds. Raises `StoreError`."""
        with database_errors(self._path):
            return [tuple(row) for row in await self._reader.execute_fetchall(sql, values)]

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self._turn:
            with database_errors(self._path):
                await self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield self._writer
                    await self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:
                        await self._writer.execute("ROLLBACK")
                    raise


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row of position, scope, kind, at and body."""
    position, scope, kind, at, body = row
    return Event(position, scope, kind, at, json.loads(body))


async def _first(connection: aiosqlite.Connection, sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    async with connection.execute(sql, values) as cursor:
        row = await cursor.fetchone()
    return tuple(row) if row else None


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))
