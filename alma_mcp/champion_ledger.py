"""The ledger of champions: who is champion, on whose word, on what evidence.

Append-only and hash-chained; approvals and rejections are signed by the enrolled key. A row is
verified before it is written and again whenever the ledger is opened: the state is what the
last row that holds leaves, and what comes behind a break is not believed.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiosqlite

from alma_mcp.approver import signature_holds
from alma_mcp.design_store import Design
from alma_mcp.errors import ChainBroken, NotApprovable
from alma_mcp.experience_log import database_errors, open_database
from alma_mcp.ledger_rows import Approved, Content, Enrolled, Genesis, Rejected, Requested, RolledBack, Row, parse_row

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


@dataclass(slots=True)
class _State:
    """What the rows so far amount to."""

    sequence: int = 0
    head: str = ""
    public_key: str = ""
    champions: list[str] = field(default_factory=list)
    requests: dict[int, Requested] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "_State":
        champions, requests, names = list(self.champions), dict(self.requests), dict(self.names)
        return _State(self.sequence, self.head, self.public_key, champions, requests, names)

    def take(self, row: Row) -> None:
        """Verify a row against everything before it, and let it count. Raises `ChainBroken` or `NotApprovable`."""
        if row.sequence != self.sequence + 1 or row.previous != self.head:
            raise ChainBroken(f"row {row.sequence} does not follow the one before it")
        self._take(row, row.content)
        self.sequence, self.head = row.sequence, row.hash

    def _take(self, row: Row, content: Content) -> None:
        match content:
            case Genesis(design):
                if self.sequence:
                    raise ChainBroken("a ledger begins once")
                self.champions = [design]
            case Enrolled(public_key):
                if self.public_key:
                    raise NotApprovable("An approver's key is enrolled already.")
                self._check_signature(row, public_key)
                self.public_key = public_key
            case Requested():
                self.requests[row.sequence] = content
                self.names[content.design] = content.name
            case Approved() | Rejected():
                self._check_signature(row, self.public_key)
                self._decide(content)
            case RolledBack(design):
                if len(self.champions) < 2 or self.champions[-2] != design:
                    raise NotApprovable("There is no earlier champion to go back to.")
                self.champions.pop()

    def _decide(self, decision: Approved | Rejected) -> None:
        asked = self.requests.get(decision.request)
        if asked is None:
            raise NotApprovable(f"There is no open promotion request {decision.request}; it may be decided already.")
        if isinstance(decision, Approved):
            if (asked.design, asked.evidence) != (decision.design, decision.evidence):
                raise NotApprovable("The approval names another design or other evidence than the request.")
            self.champions.append(decision.design)
        del self.requests[decision.request]

    def _check_signature(self, row: Row, public_key: str) -> None:
        if not public_key or not signature_holds(public_key, row.signature, row.body()):
            raise ChainBroken(f"row {row.sequence} is not signed by the enrolled approver")


class ChampionLedger:
    """The ledger in a database. One process writes it: the engine."""

    def __init__(
        self, path: Path, connection: aiosqlite.Connection, first: str, bundled: Callable[[str], bool]
    ) -> None:
        self._path = path
        self._connection = connection
        self._first = first
        self._bundled = bundled
        self._state = _State()
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

    def _champions(self) -> list[str]:
        """The champions, oldest first. The first one needs no signature because it is bundled: where it is not,
        or no longer, the first champion of today stands in its place."""
        genesis, *approved = self._state.champions or [self._first]
        return [genesis if self._bundled(genesis) else self._first, *approved]

    def champion(self) -> str:
        """The id of the design that should serve."""
        return self._champions()[-1]

    def champions(self) -> Sequence[tuple[str, str]]:
        """Id and requested name of the champion and of those before it, newest first."""
        return [(design, self._state.names.get(design, "")) for design in reversed(self._champions())]

    def previous(self) -> str:
        """The champion before this one. Raises `NotApprovable` when there is none."""
        if len(self._state.champions) < 2:
            raise NotApprovable("There is no earlier champion to go back to.")
        return self._champions()[-2]

    def requests(self) -> Mapping[int, Requested]:
        """The open promotion requests, by their number."""
        return dict(self._state.requests)

    def find_request(self, reference: str) -> int:
        """The newest open request for a design whose id begins so. Raises `NotApprovable`."""
        found = [number for number, asked in self._state.requests.items() if asked.design.startswith(reference)]
        if not found or len(reference) < 4:
            raise NotApprovable(
                f"No open promotion request has the id {reference!r}; `alma-mcp promotions list` shows them."
            )
        return found[-1]

    @property
    def public_key(self) -> str:
        """The enrolled key, base64; empty before the first approval."""
        return self._state.public_key

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

    async def roll_back(self) -> None:
        """Go back to the champion before this one. Raises `NotApprovable` when there is none."""
        self.previous()
        await self.record(RolledBack(self._state.champions[-2]))

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
        with database_errors(self._path):
            rows = await self._connection.execute_fetchall(STORED)
        return [_stored_row(*row) for row in rows]

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
