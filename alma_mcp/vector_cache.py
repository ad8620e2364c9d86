"""Vectors of texts that were taken in, by content: no design of a home embeds again what another one had embedded.

A row knows the scope it was first embedded for and the log position its text may come from
at the latest. A design may embed an old text late (waiting passages, merged memories), so
forgetting an experience deletes every row of its scope from its position on.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import aiosqlite
import numpy as np

from alma_mcp.embedders import Vectors
from alma_mcp.errors import DatabaseCorrupt
from alma_mcp.logs.experience_log import ExperienceLog, Forgetting, database_errors, open_database, pragma_value
from alma_mcp.projections.taking_in import TakingIn

MOST_BYTES = 1 << 30
ASKED_AT_ONCE = 500
MIGRATIONS = (
    """
    CREATE TABLE vectors (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key BLOB NOT NULL UNIQUE,
        scope TEXT NOT NULL,
        until INTEGER NOT NULL,
        vector BLOB NOT NULL
    );
    CREATE INDEX vectors_by_scope ON vectors (scope, until);
    CREATE TABLE heeded (forgetting INTEGER NOT NULL);
    INSERT INTO heeded VALUES (0);
    """,
)


class VectorCache:
    """float32 vectors by key in one SQLite file of at most `most` bytes, the oldest of which go first."""

    def __init__(self, path: Path, connection: aiosqlite.Connection, most: int) -> None:
        self._path = path
        self._connection = connection
        self._most = most
        self._turn = asyncio.Lock()
        self._forgotten: dict[str, int] = {}

    @classmethod
    async def open(cls, path: Path, most: int = MOST_BYTES) -> Self:
        """Open or make the file; a damaged one is replaced: all of it can be had again. Raises `StoreError`."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            connection = await open_database(path, MIGRATIONS)
        except DatabaseCorrupt:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            connection = await open_database(path, MIGRATIONS)
        return cls(path, connection, most)

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        """The vectors that are here. Raises `StoreError`."""
        found: dict[bytes, Vectors] = {}
        with database_errors(self._path):
            for start in range(0, len(keys), ASKED_AT_ONCE):
                some = keys[start : start + ASKED_AT_ONCE]
                sql = f"SELECT key, vector FROM vectors WHERE key IN ({','.join('?' * len(some))})"
                for key, vector in await self._connection.execute_fetchall(sql, some):
                    found[key] = np.frombuffer(vector, "<f4")
        return found

    async def put(self, found: Mapping[bytes, Vectors], scope: str, taking_in: TakingIn) -> None:
        """Keep vectors; of those under one key the first stays. Raises `StoreError`.

        Nothing is kept where something of the scope has been forgotten that the design has not heard of yet.
        """
        rows = [(key, scope, taking_in.until, vector.astype("<f4").tobytes()) for key, vector in found.items()]
        async with self._turn:
            if taking_in.heeded < self._forgotten.get(scope, 0):
                return
            with database_errors(self._path):
                await self._write("INSERT OR IGNORE INTO vectors (key, scope, until, vector) VALUES (?, ?, ?, ?)", rows)
                if await self._bytes() > self._most:
                    await self._drop_oldest()

    async def forget(self, forgettings: Sequence[Forgetting]) -> None:
        """Delete what may come from forgotten experiences, from every page of the file. Raises `StoreError`."""
        async with self._turn:
            heeded = [(each.scope, each.earliest, each.position) for each in forgettings]
            self._forgotten.update({scope: position for scope, _, position in heeded})
            with database_errors(self._path):
                earliest = [(scope, first) for scope, first, _ in heeded]
                await self._write("DELETE FROM vectors WHERE scope = ? AND until >= ?", earliest)
                await self._write("UPDATE heeded SET forgetting = ?", [(position,) for *_, position in heeded])
                await self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def heed(self, log: ExperienceLog) -> None:
        """`forget` what the log says that was forgotten since the last time. Raises `StoreError`."""
        with database_errors(self._path):
            heeded = await _number(self._connection, "SELECT forgetting FROM heeded")
        if forgettings := await log.forgettings(heeded):
            await self.forget(forgettings)

    async def close(self) -> None:
        await self._connection.close()

    async def _bytes(self) -> int:
        pages, free, size = [
            await pragma_value(self._connection, name) for name in ("page_count", "freelist_count", "page_size")
        ]
        return (pages - free) * size

    async def _drop_oldest(self) -> None:
        count = await _number(self._connection, "SELECT count(*) FROM vectors")
        newest_out = "SELECT number FROM vectors ORDER BY number LIMIT 1 OFFSET ?"
        await self._write(f"DELETE FROM vectors WHERE number <= ({newest_out})", [(count // 8,)])

    async def _write(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        """All of it, or nothing."""
        await self._connection.execute("BEGIN IMMEDIATE")
        try:
            await self._connection.executemany(sql, rows)
            await self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                await self._connection.execute("ROLLBACK")
            raise


def cache_key(identity: str, text: str) -> bytes:
    """The key of a prepared text's vector by the embedder of this identity."""
    return hashlib.sha256(f"{identity}\0{text}".encode()).digest()


async def _number(connection: aiosqlite.Connection, sql: str) -> int:
    ((number,),) = await connection.execute_fetchall(sql)
    return int(number)
