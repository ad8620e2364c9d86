"""What models answered to designs, so that replaying a memory asks nobody and gives the same."""

from pathlib import Path
from typing import Self

import aiosqlite

from alma_mcp.logs.experience_log import database_errors, open_database

MIGRATIONS = (
    """
    CREATE TABLE recordings (
        key BLOB PRIMARY KEY,
        design TEXT NOT NULL,
        scope TEXT NOT NULL,
        answer TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX recordings_by_memory ON recordings (scope, design);
    """,
)


class Recordings:
    """Answers by key, in one SQLite file. An answer that `put` returned from is on the disk."""

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or make the file. Raises `StoreError`."""
        return cls(path, await open_database(path, MIGRATIONS))

    async def get(self, key: bytes) -> str | None:
        """The recorded answer, or None."""
        with database_errors(self._path):
            rows = list(await self._connection.execute_fetchall("SELECT answer FROM recordings WHERE key = ?", (key,)))
        return str(rows[0][0]) if rows else None

    async def put(self, key: bytes, design: str, scope: str, answer: str) -> None:
        """Record an answer; the first one under a key stays."""
        with database_errors(self._path):
            await self._connection.execute(
                "INSERT OR IGNORE INTO recordings VALUES (?, ?, ?, ?)", (key, design, scope, answer)
            )

    async def count(self, design: str, scope: str) -> int:
        """How many answers this design has been given in this scope."""
        with database_errors(self._path):
            sql = "SELECT count(*) FROM recordings WHERE scope = ? AND design = ?"
            rows = list(await self._connection.execute_fetchall(sql, (scope, design)))
        return int(rows[0][0])

    async def drop(self, scope: str) -> None:
        """Forget every answer given in a scope: they may quote what its owner wants forgotten."""
        with database_errors(self._path):
            await self._connection.execute("DELETE FROM recordings WHERE scope = ?", (scope,))
            await self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        await self._connection.close()
