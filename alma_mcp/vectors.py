"""Vector indexes over tables of a design's database, as a design sees them.

`vectors_<name>` is the truth and part of the host's transaction; the index in memory
follows at each commit, so what was rolled back is never found. Mounted into every
sandbox: imports the standard library, numpy and FAISS (both at first use) only.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from alma_mcp.vector_index import VectorIndex


READ_AT_ONCE = 500

DIGITS = 6


class Turn(Protocol):
    """The call that is running: `writes` says whether it may see what is not committed."""

    @property
    def connection(self) -> sqlite3.Connection: ...
    @property
    def writes(self) -> bool: ...


class VectorTable:
    """One table, its index (read at first use), and what the running transaction changed."""

    def __init__(self, name: str, reader: sqlite3.Connection, folder: Path) -> None:
        self.table = f"vectors_{name}"
        self.pending: dict[int, Any] = {}
        self._reader = reader
        self._folder = folder
        self._index: VectorIndex | None = None

    def create(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self.table}"
            " (key INTEGER PRIMARY KEY, digest INTEGER NOT NULL, vector BLOB NOT NULL)"
        )
        connection.execute(f"CREATE INDEX IF NOT EXISTS {self.table}_digest ON {self.table} (key, digest)")

    def index(self) -> "VectorIndex | None":
        """The index over what is committed; `None` where nothing is."""
        if self._index is None:
            self._index = self._read()
        return self._index

    def publish(self) -> None:
        """What was pending is committed: put it into the index."""
        if not self.pending:
            return
        index = self.index()
        if index is not None:
            for key, vector in self.pending.items():
                if vector is None:
                    index.remove(key)
                else:
                    index.add(key, _digest(vector), vector)
            index.settle(len(self.pending))
            index.save(self._folder, self.table)
            if index.worn:
                index.discard_saved(self._folder, self.table)
                self._index = None
        self.pending = {}

    def _read(self) -> "VectorIndex | None":
        import numpy as np  # noqa: PLC0415 - a design without vectors starts 80 ms sooner

        from alma_mcp.vector_index import VectorIndex  # noqa: PLC0415

        if not self._reader.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (self.table,)).fetchone():
            return None
        first = self._reader.execute(f"SELECT vector FROM {self.table} LIMIT 1").fetchone()
        if first is None:
            return None
        index = VectorIndex(len(first[0]) // 4)
        wanted = dict(self._reader.execute(f"SELECT key, digest FROM {self.table} INDEXED BY {self.table}_digest"))
        index.load(self._folder, self.table, wanted)
        missing = index.missing(np.fromiter(wanted, np.int64, len(wanted)))
        del wanted
        index.reserve(len(missing))
        for start in range(0, len(missing), READ_AT_ONCE):
            some = missing[start : start + READ_AT_ONCE]
            sql = f"SELECT key, digest, vector FROM {self.table} WHERE key IN ({','.join('?' * len(some))})"
            for key, digest, blob in self._reader.execute(sql, some):
                index.add(key, digest, np.frombuffer(blob, "<f4"))
        return index


class VectorTables:
    """All vector tables of one design."""

    def __init__(self, reader: sqlite3.Connection, folder: Path) -> None:
        self._reader = reader
        self._folder = folder
        self._tables: dict[str, VectorTable] = {}

    def table(self, name: str) -> VectorTable:
        if not (name.isascii() and name.isidentifier()):
            raise ValueError(f"{name!r} cannot name a vector index: use letters, digits and _")
        if name not in self._tables:
            self._tables[name] = VectorTable(name, self._reader, self._folder)
        return self._tables[name]

    def publish(self) -> None:
        for table in self._tables.values():
            table.publish()

    def drop(self) -> None:
        for table in self._tables.values():
            table.pending = {}


class Vectors:
    """Implements `contract.Vectors`."""

    def __init__(self, table: VectorTable, turn: "CurrentTurn") -> None:
        self._table = table
        self._turn = turn

    def add(self, keys: Sequence[int], vectors: Any) -> None:
        """Store float vectors, shape (len(keys), dimension); an existing key is replaced."""
        import numpy as np  # noqa: PLC0415

        unit = _unit(vectors)
        if unit.ndim != 2 or len(unit) != len(keys):
            raise ValueError(f"{len(keys)} keys want vectors of shape ({len(keys)}, dimension), not {unit.shape}")
        if not np.isfinite(unit).all():
            raise ValueError("a vector has NaN or infinite numbers")
        if (dimension := self._dimension()) not in (None, unit.shape[1]):
            raise ValueError(f"this index has {dimension} dimensions, the vectors have {unit.shape[1]}")
        connection = self._turn().connection
        self._table.create(connection)
        rows = [(int(key), _digest(vector), vector.tobytes()) for key, vector in zip(keys, unit, strict=True)]
        connection.executemany(f"REPLACE INTO {self._table.table} (key, digest, vector) VALUES (?, ?, ?)", rows)
        self._table.pending.update({int(key): vector for key, vector in zip(keys, unit, strict=True)})

    def remove(self, keys: Sequence[int]) -> None:
        connection = self._turn().connection
        self._table.create(connection)
        rows = [(int(key),) for key in keys]
        connection.executemany(f"DELETE FROM {self._table.table} WHERE key = ?", rows)
        self._table.pending.update({key: None for (key,) in rows})

    def search(self, vector: Any, count: int) -> list[tuple[int, float]]:
        """The `count` nearest keys with their cosine similarity to six digits, best first.

        The last digits depend on where a vector lies in memory, and a replay must give the same answers.
        """
        query = _unit(vector).reshape(-1)
        if (dimension := self._dimension()) is None or count < 1:
            return []
        if query.shape[0] != dimension:
            raise ValueError(f"this index has {dimension} dimensions, the query has {query.shape[0]}")
        index = self._table.index()
        pending = self._table.pending if self._turn().writes else {}
        found = index.search(query, count + len(pending)) if index is not None else []
        found = [each for each in found if each[0] not in pending]
        new = [(key, each) for key, each in pending.items() if each is not None]
        found += [(key, float(each.astype("f8") @ query.astype("f8"))) for key, each in new]
        rounded = [(key, round(score, DIGITS)) for key, score in found]
        return sorted(rounded, key=lambda each: (-each[1], each[0]))[:count]

    def _dimension(self) -> int | None:
        if (index := self._table.index()) is not None:
            return index.dimension
        pending = self._table.pending.values() if self._turn().writes else ()
        return next((len(each) for each in pending if each is not None), None)


class CurrentTurn(Protocol):
    def __call__(self) -> Turn: ...


def _unit(vectors: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    array = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(array, axis=-1, keepdims=True)
    return np.ascontiguousarray(array / np.where(norms == 0, 1, norms), dtype="<f4")


def _digest(vector: Any) -> int:
    return int.from_bytes(hashlib.blake2b(vector.tobytes(), digest_size=8).digest(), "little", signed=True)
