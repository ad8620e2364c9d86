"""A design's database: one connection that writes, one that only reads.

The host alone begins and ends transactions: what a design writes is committed together
with the log position, or not at all. A design's own BEGIN and COMMIT are therefore
passed over, its ROLLBACK is an error.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HOST = " -- host"
TABLE = "alma_position"
FIXED_PRAGMAS = frozenset(
    {"journal_mode", "locking_mode", "query_only", "secure_delete", "synchronous", "writable_schema"}
)
REGISTERING = frozenset({"create_function", "create_aggregate", "create_collation", "create_window_function"})
WITHHELD = frozenset({"close", "set_authorizer", "enable_load_extension"})


class Store:
    """The file `memory.db` in the state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._host_acts = True
        self.writer = _connect(folder)
        # A lost last transaction is applied again from the log, so NORMAL is durable enough.
        self.writer.execute("PRAGMA journal_mode=WAL")
        self.writer.execute("PRAGMA synchronous=NORMAL")
        self.writer.execute("PRAGMA secure_delete=ON")
        self.writer.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (position INTEGER NOT NULL)")
        row = self.writer.execute(f"SELECT position FROM {TABLE}").fetchone()
        self.position: int = row[0] if row else 0
        self.reader = _connect(folder)
        self.reader.execute("PRAGMA query_only=ON")
        self._host_acts = False
        for connection in (self.writer, self.reader):
            connection.set_authorizer(self._authorize)

    def begin(self) -> None:
        self._act(f"BEGIN IMMEDIATE{HOST}")

    def commit(self, position: int) -> None:
        """Commit what was written, and the position with it."""
        if not self.writer.in_transaction:
            raise sqlite3.OperationalError("the design ended the host's transaction (a conflict clause OR ROLLBACK?)")
        if position != self.position:
            self._act(f"DELETE FROM {TABLE}{HOST}")
            self._act(f"INSERT INTO {TABLE} VALUES (?){HOST}", (position,))
        self._act(f"COMMIT{HOST}")
        self.position = position

    def rollback(self) -> None:
        if self.writer.in_transaction:
            self._act(f"ROLLBACK{HOST}")

    def scrub(self) -> None:
        """Leave nothing deleted behind in the write-ahead log."""
        self._act(f"PRAGMA wal_checkpoint(TRUNCATE){HOST}")

    def close(self) -> None:
        self.reader.close()
        self.writer.close()

    def _act(self, statement: str, values: tuple[int, ...] = ()) -> None:
        self._host_acts = True
        try:
            self.writer.execute(statement, values)
        finally:
            self._host_acts = False

    def _authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if self._host_acts:
            return sqlite3.SQLITE_OK
        match action:
            case sqlite3.SQLITE_TRANSACTION:
                return sqlite3.SQLITE_DENY if first == "ROLLBACK" else sqlite3.SQLITE_IGNORE
            case sqlite3.SQLITE_PRAGMA if first in FIXED_PRAGMAS and second is not None:
                return sqlite3.SQLITE_IGNORE
            case sqlite3.SQLITE_ATTACH:
                return sqlite3.SQLITE_DENY
            case sqlite3.SQLITE_INSERT | sqlite3.SQLITE_DELETE | sqlite3.SQLITE_UPDATE | sqlite3.SQLITE_DROP_TABLE:
                return sqlite3.SQLITE_DENY if first == TABLE else sqlite3.SQLITE_OK
            case _:
                return sqlite3.SQLITE_OK


class Database:
    """What a design sees as `toolkit.db`: the connection of the call that is running.

    A design may keep it in its constructor: inside `retrieve` it reads what was last
    committed, also while an update waits for a model.
    """

    def __init__(self, store: Store, current: Callable[[], sqlite3.Connection]) -> None:
        self.__dict__.update(_store=store, _current=current)

    def __getattr__(self, name: str) -> Any:
        if name in WITHHELD:
            raise sqlite3.ProgrammingError(f"toolkit.db has no {name}(): the host owns the connection.")
        if name in REGISTERING:
            return self._on_both(name)
        return getattr(self._current(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "isolation_level":
            return
        for connection in (self._store.writer, self._store.reader):
            setattr(connection, name, value)

    def __enter__(self) -> Self:
        self._current().execute("SAVEPOINT design")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._current().execute("ROLLBACK TO design")
        self._current().execute("RELEASE design")

    def _on_both(self, name: str) -> Callable[..., None]:
        def register(*values: Any, **options: Any) -> None:
            for connection in (self._store.writer, self._store.reader):
                getattr(connection, name)(*values, **options)

        return register


def _connect(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "memory.db", isolation_level=None, timeout=10)
