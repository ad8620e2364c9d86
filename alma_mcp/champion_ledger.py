"""The ledger of champions: who is champion, on whose word, on what evidence.

Append-only and hash-chained; approvals and rejections are signed by the enrolled key. A row is
verified before it is written and again whenever the ledger is opened: the state is what the
last row that holds leaves, and what comes behind a break is not believed.
"""

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


@dataclass(slots=True)
class _State:
    """What the rows so far amount to."""

    sequence: int = 0
    head: str = ""
    public_key: str = ""
    champions: list[str] = field(default_factory=list)
    requests: dict[int, Requested] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def take(self, row: Row, bundled: Callable[[str], bool]) -> None:
        """Verify a row against everything before it, and let it count. Raises `ChainBroken` or `NotApprovable`."""
        if row.sequence != self.sequence + 1 or row.previous != self.head:
            raise ChainBroken(f"row {row.sequence} does not follow the one before it")
        self._take(row, row.content, bundled)
        self.sequence, self.head = row.sequence, row.hash

    def _take(self, row: Row, content: Content, bundled: Callable[[str], bool]) -> None:
        match content:
            case Genesis(design):
                if self.sequence or not bundled(design):
                    raise ChainBroken("a ledger begins once, with a bundled design")
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

    def __init__(self, path: Path, connection: aiosqlite.Connection, bundled: Callable[[str], bool]) -> None:
        self._path = path
        self._connection = connection
        self._bundled = bundled
        self._state = _State()
        self.broken = ""

    @classmethod
    async def open(cls, path: Path, first: Design, bundled: Callable[[str], bool]) -> Self:
        """Open and verify; a new ledger begins with `first`. What does not hold is told in `broken`."""
        ledger = cls(path, await open_database(path, MIGRATIONS), bundled)
        with database_errors(path):
            rows = await ledger._connection.execute_fetchall(
                "SELECT body, signature, hash FROM ledger ORDER BY sequence"
            )
        if not rows:
            await ledger.append(ledger.draft(Genesis(first.id)))
        for body, signature, stored in rows:
            try:
                ledger._believe(body, signature, stored)
            except (ChainBroken, NotApprovable) as reason:
                ledger.broken = f"{reason}; what comes behind row {ledger._state.sequence} is not believed"
                break
        if not ledger._state.champions:
            ledger._state.champions = [first.id]
        return ledger

    def _believe(self, body: str, signature: str, stored: str) -> None:
        row = parse_row(body, signature)
        if row.hash != stored:
            raise ChainBroken(f"row {row.sequence} was changed")
        self._state.take(row, self._bundled)

    def champion(self) -> str:
        """The id of the design that should serve."""
        return self._state.champions[-1]

    def champions(self) -> Sequence[tuple[str, str]]:
        """Id and requested name of the champion and of those before it, newest first."""
        return [(design, self._state.names.get(design, "")) for design in reversed(self._state.champions)]

    def previous(self) -> str:
        """The champion before this one. Raises `NotApprovable` when there is none."""
        if len(self._state.champions) < 2:
            raise NotApprovable("There is no earlier champion to go back to.")
        return self._state.champions[-2]

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
        if self.broken:
            raise ChainBroken(f"The ledger is damaged ({self.broken}); restore it from a backup before changing it.")
        after = _State(
            self._state.sequence,
            self._state.head,
            self._state.public_key,
            list(self._state.champions),
            dict(self._state.requests),
            dict(self._state.names),
        )
        after.take(row, self._bundled)
        with database_errors(self._path):
            await self._connection.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, ?)", (row.sequence, row.body().decode(), row.signature, row.hash)
            )
        self._state = after

    async def history(self) -> Sequence[Row]:
        """Every row, oldest first."""
        with database_errors(self._path):
            rows = await self._connection.execute_fetchall("SELECT body, signature FROM ledger ORDER BY sequence")
        return [parse_row(body, signature) for body, signature in rows]

    async def close(self) -> None:
        await self._connection.close()
