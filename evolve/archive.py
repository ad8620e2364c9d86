"""The archive: every design ever proposed, where it came from, and what became of it. Nothing is thrown away.

It is also the journal of a search: each step of each round is written when it is done and paid for,
so that a search that was killed goes on without doing it again.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from alma_mcp.design_store import Design, DesignStore
from alma_mcp.errors import DesignUnknown, EvolveError
from evolve.evaluation import Evaluation, Verdict, from_json, to_json

SCHEMA = """
CREATE TABLE IF NOT EXISTS designs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, proposer TEXT NOT NULL, hypothesis TEXT NOT NULL,
    parents TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS verdicts (
    design TEXT NOT NULL, benchmark TEXT NOT NULL, split TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (design, benchmark, split)
);
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, configuration TEXT NOT NULL, rounds INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS journal (
    run INTEGER NOT NULL, step TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run, step)
);
CREATE TABLE IF NOT EXISTS openings (
    number INTEGER PRIMARY KEY AUTOINCREMENT, benchmark TEXT NOT NULL, challenger TEXT NOT NULL,
    champion TEXT NOT NULL, at REAL NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One design of the archive. `children` counts the designs made from it."""

    id: str
    name: str
    proposer: str
    hypothesis: str
    parents: tuple[str, ...]
    children: int


@dataclass(frozen=True, slots=True)
class Run:
    """One search: of how many rounds, and how many are done."""

    id: int
    rounds: int
    done: int


class Archive:
    """The archive of a home, in SQLite; sources lie in the design store. Use it as a context."""

    def __init__(self, path: Path, store: DesignStore) -> None:
        self._path = path
        self.store = store

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = sqlite3.connect(self._path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise EvolveError(f"Cannot open the archive {self._path}: {error}.") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, design: Design, proposer: str, hypothesis: str, parents: Sequence[str], at: float) -> None:
        """Keep a design; one that is there already stays as it is."""
        self.store.add(design)
        row = (design.id, design.name, proposer, hypothesis, json.dumps(list(parents)), at)
        self._database.execute("INSERT OR IGNORE INTO designs VALUES (?, ?, ?, ?, ?, ?)", row)

    def entries(self) -> list[Entry]:
        """Every design, in the order they came."""
        rows = self._database.execute("SELECT id, name, proposer, hypothesis, parents FROM designs ORDER BY at, rowid")
        found = [(row[:4], tuple(json.loads(row[4]))) for row in rows]
        born = [parent for _, parents in found for parent in parents]
        return [Entry(row[0], row[1], row[2], row[3], parents, born.count(row[0])) for row, parents in found]

    def entry(self, reference: str) -> Entry:
        """The entry whose id begins so, or whose name it is. Raises `DesignUnknown`."""
        entries = self.entries()
        named = [entry for entry in entries if entry.name == reference]
        begun = [entry for entry in entries if len(reference) >= 4 and entry.id.startswith(reference)]
        if len({entry.id for entry in (named or begun)}) != 1:
            raise DesignUnknown(
                f"The archive has no single design {reference!r}; `alma-evolve list` shows what it has."
            )
        return (named or begun)[0]

    def design(self, entry: Entry) -> Design:
        return self.store.get(entry.id, entry.name)

    def judge(self, design: str, benchmark: str, split: str, verdict: Verdict) -> None:
        """Keep what became of a design on a split."""
        row = (design, benchmark, split, to_json(verdict))
        self._database.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?)", row)

    def verdict(self, design: str, benchmark: str, split: str) -> Verdict | None:
        sql = "SELECT body FROM verdicts WHERE design = ? AND benchmark = ? AND split = ?"
        row = self._database.execute(sql, (design, benchmark, split)).fetchone()
        return from_json(row[0]) if row else None

    def verdicts(self, design: str) -> list[tuple[str, str, Verdict]]:
        """Whatever became of a design on the search and validation splits: benchmark, split and verdict."""
        sql = (
            "SELECT benchmark, split, body FROM verdicts WHERE design = ? AND split IN ('search', 'validation')"
            " ORDER BY benchmark, split"
        )
        return [(row[0], row[1], from_json(row[2])) for row in self._database.execute(sql, (design,))]

    def benchmarks(self, beginning: str) -> list[str]:
        """The benchmarks of this name, or whose name goes on after it with a `/`."""
        names = [name for (name,) in self._database.execute("SELECT DISTINCT benchmark FROM verdicts ORDER BY 1")]
        return [name for name in names if f"{name}/".startswith(f"{beginning}/")]

    def scores(self, benchmark: str, split: str = "search") -> dict[str, Evaluation]:
        """The evaluations of a benchmark's split, by design."""
        sql = "SELECT design, body FROM verdicts WHERE benchmark = ? AND split = ?"
        verdicts = {design: from_json(body) for design, body in self._database.execute(sql, (benchmark, split))}
        return {design: verdict for design, verdict in verdicts.items() if isinstance(verdict, Evaluation)}

    def begin(self, configuration: str, rounds: int) -> Run:
        """The unfinished run of this configuration, or a new one."""
        sql = "SELECT id, rounds, done FROM runs WHERE configuration = ? AND done < rounds ORDER BY id DESC"
        if row := self._database.execute(sql, (configuration,)).fetchone():
            return Run(*row)
        inserted = "INSERT INTO runs (configuration, rounds) VALUES (?, ?)"
        cursor = self._database.execute(inserted, (configuration, rounds))
        assert cursor.lastrowid
        return Run(cursor.lastrowid, rounds, 0)

    def finish_round(self, run: Run, number: int) -> None:
        self._database.execute("UPDATE runs SET done = ? WHERE id = ?", (number, run.id))

    def recorded(self, run: Run, step: str) -> Mapping[str, Any] | None:
        """What a step of a run came to, if it was done before."""
        row = self._database.execute("SELECT body FROM journal WHERE run = ? AND step = ?", (run.id, step)).fetchone()
        return json.loads(row[0]) if row else None

    def record(self, run: Run, step: str, body: Mapping[str, Any]) -> None:
        self._database.execute("INSERT OR REPLACE INTO journal VALUES (?, ?, ?)", (run.id, step, json.dumps(body)))

    def open_gate(self, benchmark: str, challenger: str, champion: str, at: float) -> int:
        """Count an opening of a benchmark's gate split, before anything of it is seen; gives its number."""
        with self._transaction():
            row = (benchmark, challenger, champion, at)
            self._database.execute(
                "INSERT INTO openings (benchmark, challenger, champion, at) VALUES (?, ?, ?, ?)", row
            )
            counted = "SELECT count(*) FROM openings WHERE benchmark = ?"
            (number,) = self._database.execute(counted, (benchmark,)).fetchone()
        return int(number)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
