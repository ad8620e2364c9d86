"""What was really asked, so that a user's own history can become a benchmark.

Written in the background, at most once a second: a question that cannot be written is lost, and fails nothing. The
newest ones are kept; those that brought back an experience go when it is forgotten.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import aiosqlite

from alma_mcp.errors import StoreError
from alma_mcp.logs.experience_log import database_errors, open_database
from alma_mcp.redaction import Redactor

MOST_WAITING = 1000
PAUSE_SECONDS = 1.0
LONGEST_TEXT = 20_000
MIGRATIONS = (
    """
    CREATE TABLE questions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        position INTEGER NOT NULL,
        body TEXT NOT NULL
    );
    """,
)


@dataclass(frozen=True, slots=True)
class Question:
    """One retrieve: what was asked of which scopes, and the ids of the experiences that were shown, best first.

    `at` is seconds since the epoch, UTC; `position` the end of the experience log when it was asked. `number` is its
    place in this log, 0 before it is written. `design` is the short id of the one that answered, within `seconds`;
    where it `failed`, what was shown are plain word matches. Older questions do not tell.
    """

    at: float
    position: int
    scopes: tuple[str, ...]
    text: str
    context: str
    limit: int
    returned: tuple[str, ...]
    number: int = 0
    seconds: float = 0.0
    design: str = ""
    failed: bool = False

    @classmethod
    def from_row(cls, at: float, position: int, body: str, number: int = 0) -> Self:
        """The question of a row of the table."""
        fields: dict[str, Any] = json.loads(body)
        return cls(
            at=at,
            position=position,
            scopes=tuple(fields["scopes"]),
            text=fields["text"],
            context=fields["context"],
            limit=fields["limit"],
            returned=tuple(fields["returned"]),
            number=number,
            seconds=fields.get("seconds", 0.0),
            design=fields.get("design", ""),
            failed=fields.get("failed", False),
        )


class QuestionLog:
    """The newest `keep` questions in one SQLite file, redacted. Where `keep` is 0, none, and none stays."""

    def __init__(self, path: Path, redactor: Redactor, keep: int) -> None:
        self.problem = ""
        self._path = path
        self._redactor = redactor
        self._keep = keep
        self._waiting: list[Question] = []
        self._hurry = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._connection: aiosqlite.Connection | None = None
        self._opening = asyncio.Lock()

    @classmethod
    def open(cls, path: Path, redactor: Redactor, keep: int) -> Self:
        """Open it in the background; `problem` says why questions cannot be written, where they cannot."""
        log = cls(path, redactor, keep)
        if path.exists():
            log._write_on()
        return log

    def note(self, question: Question) -> None:
        """Have it written soon. Where too many wait already, or it is very long, it is left out."""
        if not self._keep or len(self._waiting) >= MOST_WAITING:
            return
        if len(question.text) + len(question.context) <= LONGEST_TEXT:
            self._waiting.append(question)
            self._write_on()

    async def settled(self) -> None:
        """Write what waits now, and wait for it."""
        self._hurry.set()
        while self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing})
        self._hurry.clear()

    async def newest(self, count: int) -> list[Question]:
        """The newest questions, newest first; none where they cannot be read."""
        return await self._read("ORDER BY number DESC LIMIT ?", [count])

    async def numbered(self, numbers: Sequence[int]) -> list[Question]:
        """The questions with these numbers that are still kept; none where they cannot be read."""
        return await self._read("WHERE number IN (SELECT value FROM json_each(?))", [json.dumps(list(numbers))])

    async def _read(self, which: str, values: Sequence[Any]) -> list[Question]:
        await self.settled()
        if not self._path.exists():
            return []
        try:
            with database_errors(self._path):
                rows = await (await self._open()).execute_fetchall(
                    f"SELECT at, position, body, number FROM questions {which}", values
                )
        except StoreError as error:
            self.problem = str(error)
            return []
        return [Question.from_row(*row) for row in rows]

    async def drop(self, experiences: Sequence[str]) -> None:
        """Erase the questions that brought one of these back. Raises `StoreError`."""
        await self.settled()
        if not self._path.exists():
            return
        with database_errors(self._path):
            connection = await self._open()
            await connection.execute(
                "DELETE FROM questions WHERE EXISTS (SELECT 1 FROM json_each(body, '$.returned')"
                " WHERE value IN (SELECT value FROM json_each(?)))",
                [json.dumps(list(experiences))],
            )
            await connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Write what waits, and close the file."""
        await self.settled()
        if self._connection is not None:
            await self._connection.close()

    def _write_on(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            with database_errors(self._path):
                connection = await self._open()
                await self._trim(connection)
                while self._waiting:
                    await self._pause()
                    asked, self._waiting = self._waiting, []
                    rows = await asyncio.to_thread(lambda asked: [self._row(each) for each in asked], asked)
                    await connection.executemany("INSERT INTO questions (at, position, body) VALUES (?, ?, ?)", rows)
                    await self._trim(connection)
            self.problem = ""
        except StoreError as error:
            self._waiting.clear()
            self.problem = str(error)

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._hurry.wait()

    async def _trim(self, connection: aiosqlite.Connection) -> None:
        cursor = await connection.execute(
            "DELETE FROM questions WHERE number <="
            " (SELECT number FROM questions ORDER BY number DESC LIMIT 1 OFFSET ?)",
            [self._keep],
        )
        if cursor.rowcount and not self._keep:
            await connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _row(self, question: Question) -> tuple[float, int, str]:
        fields = asdict(question)
        at, position, _ = fields.pop("at"), fields.pop("position"), fields.pop("number")
        for name in ("text", "context"):
            fields[name] = self._redactor.redact(fields[name])
        return at, position, json.dumps(fields)

    async def _open(self) -> aiosqlite.Connection:
        async with self._opening:
            if self._connection is None:
                connection = await open_database(self._path, MIGRATIONS)
                await connection.execute("PRAGMA synchronous=NORMAL")  # a question lost with the power is no loss
                self._connection = connection
            return self._connection
