"""The archive: every design ever proposed, where it came from, and what became of it. Nothing is thrown away."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from alma_mcp.design_store import Design, DesignStore
from alma_mcp.errors import DesignUnknown
from evolve.archive.database import open_database, open_to_read, transaction
from evolve.archive.journal import Cost, CostOf, Journal, Run
from evolve.archive.openings import Openings
from evolve.book import Booked, booked
from evolve.evaluation import VERSION, Evaluation, Verdict, from_json, to_json

__all__ = ["Archive", "ArchiveBook", "Cost", "CostOf", "Entry", "Journal", "Lesson", "Run"]

LESSONS = 30
"""The most lines that are kept of one design."""


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
class Lesson:
    """One line of what a design has taught, and how often what came later bore it out, or did not."""

    line: str
    held: int = 0
    failed: int = 0


class Archive:
    """The archive of a home, in SQLite; sources lie in the design store. Use it as a context.

    To read alone it is opened as it was at that moment, and disturbs nobody who writes.
    """

    def __init__(self, path: Path, store: DesignStore, *, to_read: bool = False) -> None:
        self._path = path
        self._to_read = to_read
        self.store = store

    def __enter__(self) -> Self:
        self._database = open_to_read(self._path) if self._to_read else open_database(self._path)
        self.journal = Journal(self._database)
        self.openings = Openings(self._database)
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def transaction(self) -> AbstractContextManager[None]:
        """What is written within is written all or not at all."""
        return transaction(self._database)

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

    def verdict_texts(self, benchmark: str, split: str = "search") -> dict[str, str]:
        """What became of every design on a benchmark's split, by design, as it is stored."""
        sql = "SELECT design, body FROM verdicts WHERE benchmark = ? AND split = ?"
        return dict(self._database.execute(sql, (benchmark, split)).fetchall())

    def book(self, design: str, benchmark: str, split: str, agent: str = "") -> "ArchiveBook":
        """The results of a design, task by task, as this version of evaluations makes them."""
        return ArchiveBook(self._database, (design, benchmark, split, VERSION), agent)

    def lessons(self, design: str) -> list[Lesson]:
        """What a design has taught, in the order it was learnt."""
        sql = "SELECT line, held, failed FROM lessons WHERE design = ? ORDER BY place"
        return [Lesson(*row) for row in self._database.execute(sql, (design,))]

    def teach(self, design: str, lessons: Sequence[Lesson]) -> None:
        """Keep what a design has taught in place of what was kept before; the first 30 lines."""
        with transaction(self._database):
            self._database.execute("DELETE FROM lessons WHERE design = ?", (design,))
            rows = [(design, each.line, each.held, each.failed, place) for place, each in enumerate(lessons[:LESSONS])]
            self._database.executemany("INSERT OR IGNORE INTO lessons VALUES (?, ?, ?, ?, ?)", rows)


class ArchiveBook:
    """Implements `book.Book` in the archive: a result is durable before the next task is played."""

    def __init__(self, database: sqlite3.Connection, place: tuple[str, str, str, int], agent: str) -> None:
        self._database = database
        self._place = place
        self._agent = agent

    def known(self, task: str, seed: int) -> Booked | None:
        sql = (
            "SELECT body FROM results"
            " WHERE design = ? AND benchmark = ? AND split = ? AND version = ? AND task = ? AND seed = ?"
        )
        row = self._database.execute(sql, (*self._place, task, seed)).fetchone()
        return booked(row[0]) if row else None

    def keep(self, entry: Booked) -> None:
        row = (*self._place, entry.result.task, entry.result.seed, self._agent, entry.to_json())
        self._database.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def entries(self) -> list[Booked]:
        """All that is known, by task and seed."""
        sql = (
            "SELECT body FROM results WHERE design = ? AND benchmark = ? AND split = ? AND version = ?"
            " ORDER BY task, seed"
        )
        return [booked(body) for (body,) in self._database.execute(sql, self._place)]
