"""The ledger of champions: who is champion, on whose word, on what evidence.

Append-only and hash-chained; enrolments, approvals and rejections are signed. A row is verified
before it is written and again whenever the ledger is opened: the state is what the last row that
holds leaves, and what comes behind a break is not believed.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import aiosqlite

from alma_mcp.design_store import Design
from alma_mcp.errors import ChainBroken, NotApprovable
from alma_mcp.ledger.rows import Content, Genesis, RolledBack, Row, parse_row
from alma_mcp.ledger.state import Champion, EnrolledKey, LedgerState, Promotion
from alma_mcp.logs.experience_log import database_errors, open_database

MIGRATIONS = (
    """
    CREATE TABLE ledger (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL, signature TEXT NOT NULL, hash TEXT NOT NULL);
    CREATE TRIGGER ledger_keeps_rows BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
    CREATE TRIGGER ledger_loses_none BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
    """,
)
STORED = (
    "SELECT sequence, CAST(body AS BLOB), CAST(signature AS BLOB), CAST(hash AS BLOB) FROM ledger ORDER BY sequence"
)


class ChampionLedger:
    """The ledger in a database. One process writes it: the engine."""

    def __init__(
        self, path: Path, connection: aiosqlite.Connection, first: str, bundled: Callable[[str], bool]
    ) -> None:
        self._path = path
        self._connection = connection
        self._first = first
        self._bundled = bundled
        self._state = LedgerState()
        self._turn = asyncio.Lock()
        self.broken = ""

    @classmethod
    async def open(cls, path: Path, first: Design, bundled: Callable[[str], bool]) -> Self:
        """Open and verify; a new ledger begins with `first`. What does not hold is told in `broken`."""
        if not bundled(first.id):
            raise ChainBroken(f"A ledger begins with a bundled design, which {first.name or first.short} is not.")
        ledger = cls(path, await open_database(path, MIGRATIONS), first.id, bundled)
        try:
            await ledger._load()
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def _load(self) -> None:
        with database_errors(self._path):
            rows = await self._connection.execute_fetchall(STORED)
        if not rows:
            await self.record(Genesis(self._first))
        for row in rows:
            try:
                self._state.take(_stored_row(*row))
            except (ChainBroken, NotApprovable) as reason:
                self.broken = f"{reason}; what comes behind row {self._state.sequence} is not believed"
                break

    def champions(self) -> Sequence[Champion]:
        """The champion and those before it, newest first.

        The first one needs no signature because it is bundled: where it is not, or no longer, the first champion of
        today stands in its place.
        """
        genesis, *approved = self._state.champions or [Champion(self._first)]
        bundled = genesis if self._bundled(genesis.design) else replace(genesis, design=self._first)
        return [*reversed(approved), bundled]

    def champion(self) -> str:
        """The id of the design that should serve."""
        return self.champions()[0].design

    def previous(self) -> str:
        """The id of the champion before this one. Raises `NotApprovable` when there is none."""
        self._state.previous()
        return self.champions()[1].design

    def promotions(self) -> Mapping[int, Promotion]:
        """Every promotion that was ever requested, by its number, and what became of it."""
        return dict(self._state.promotions)

    def requests(self) -> Mapping[int, Promotion]:
        """The promotions that a person may still decide, by their number."""
        return {number: each for number, each in self._state.promotions.items() if each.is_open}

    def find_request(self, reference: str) -> int:
        """The newest open request for a design whose id begins so. Raises `NotApprovable`."""
        found = [number for number, asked in self.requests().items() if asked.design.startswith(reference)]
        if not found or len(reference) < 4:
            raise NotApprovable(
                f"No open promotion request has the id {reference!r}; `alma-mcp promotions list` shows them."
            )
        return found[-1]

    def enrolled_keys(self) -> Sequence[EnrolledKey]:
        """The keys that may approve, in the order in which they were enrolled."""
        return list(self._state.keys.values())

    def draft(self, content: Content, at: float | None = None) -> Row:
        """The next row with this content, not yet signed or written."""
        return Row(self._state.sequence + 1, time.time() if at is None else at, self._state.head, content)

    async def append(self, row: Row) -> None:
        """Verify a row and write it durably. Raises `ChainBroken` or `NotApprovable`; nothing is written then."""
        async with self._turn:
            await self._write(row)

    async def record(self, content: Content) -> Row:
        """Append a row that needs no signature, behind whatever is being appended."""
        async with self._turn:
            row = self.draft(content)
            await self._write(row)
        return row

    async def roll_back(self, by: str = "", channel: str = "", reason: str = "") -> None:
        """Go back to the champion before this one. Raises `NotApprovable` when there is none."""
        await self.record(RolledBack(self._state.previous().design, by, channel, reason))

    async def _write(self, row: Row) -> None:
        if self.broken:
            raise ChainBroken(f"The ledger is damaged ({self.broken}); restore it from a backup before changing it.")
        after = self._state.copy()
        after.take(row)
        with database_errors(self._path):
            await self._connection.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, ?)", (row.sequence, row.body().decode(), row.signature, row.hash)
            )
        self._state = after

    async def history(self) -> Sequence[Row]:
        """Every row, oldest first. Raises `ChainBroken` where one is damaged."""
        rows, damage = await self.readable()
        if damage:
            raise damage
        return rows

    async def readable(self) -> tuple[Sequence[Row], ChainBroken | None]:
        """The rows as they lie in the table now, oldest first, up to a damaged one; and what is wrong with that."""
        with database_errors(self._path):
            stored = await self._connection.execute_fetchall(STORED)
        rows: list[Row] = []
        for each in stored:
            try:
                rows.append(_stored_row(*each))
            except ChainBroken as damage:
                return rows, damage
        return rows, None

    async def close(self) -> None:
        await self._connection.close()


def _stored_row(sequence: int, body: bytes | None, signature: bytes | None, stored: bytes | None) -> Row:
    """A row as it lies in the table, whatever was done to it there. Raises `ChainBroken`."""
    if body is None or signature is None:
        raise ChainBroken(f"row {sequence} is empty")
    row = parse_row(body.decode(errors="replace"), signature.decode(errors="replace"))
    if row.sequence != sequence or row.hash.encode() != stored:
        raise ChainBroken(f"row {row.sequence} was changed")
    return row
