"""The journal of a search: each step is written when it is done and paid for, so that a search that was killed goes on
without doing it again.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Literal

from evolve.archive.database import transaction

CostOf = Literal["meta", "agent", "design", "search"]
"""Who asked: the one that writes designs, the one that plays, a design itself; or the search, which takes time."""


@dataclass(frozen=True, slots=True)
class Run:
    """One search: of how many rounds, and how many are done. `known` are the designs that it began with."""

    id: int
    rounds: int
    done: int
    known: tuple[str, ...] = ()
    benchmark: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost. `who` is a model or an agent; `dollars` is None where its price is unknown; `seconds` are
    those of the clock on the wall.
    """

    what: CostOf
    who: str
    calls: int = 0
    tokens: int = 0
    dollars: float | None = 0.0
    episodes: int = 0
    seconds: float = 0.0


class Journal:
    """The runs of an archive, step by step. A step is named `ROUND.CANDIDATE`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def begin(self, configuration: str, rounds: int, benchmark: str = "", known: Sequence[str] = ()) -> Run:
        """The unfinished run of this configuration, or a new one that begins with these designs."""
        sql = "SELECT id FROM runs WHERE configuration = ? AND done < rounds ORDER BY id DESC"
        if row := self._database.execute(sql, (configuration,)).fetchone():
            return self.run(row[0])
        inserted = "INSERT INTO runs (configuration, rounds, benchmark, known) VALUES (?, ?, ?, ?)"
        row = (configuration, rounds, benchmark, json.dumps(list(known)))
        cursor = self._database.execute(inserted, row)
        assert cursor.lastrowid
        return self.run(cursor.lastrowid)

    def run(self, number: int) -> Run:
        row = self._database.execute("SELECT id, rounds, done, known, benchmark FROM runs WHERE id = ?", (number,))
        run, rounds, done, known, benchmark = row.fetchone()
        return Run(run, rounds, done, tuple(json.loads(known)), benchmark)

    def runs(self) -> list[Run]:
        """Every run, the oldest first."""
        return [self.run(number) for (number,) in self._database.execute("SELECT id FROM runs ORDER BY id").fetchall()]

    def configuration(self, run: Run) -> str:
        """The settings of a run, as JSON."""
        (text,) = self._database.execute("SELECT configuration FROM runs WHERE id = ?", (run.id,)).fetchone()
        return str(text)

    def finish_round(self, run: Run, number: int) -> None:
        self._database.execute("UPDATE runs SET done = ? WHERE id = ?", (number, run.id))

    def recorded(self, run: Run, step: str) -> Mapping[str, Any] | None:
        """What a step of a run came to, if it was done before."""
        row = self._database.execute("SELECT body FROM journal WHERE run = ? AND step = ?", (run.id, step)).fetchone()
        return json.loads(row[0]) if row else None

    def record(self, run: Run, step: str, body: Mapping[str, Any]) -> None:
        self._database.execute("INSERT OR REPLACE INTO journal VALUES (?, ?, ?)", (run.id, step, json.dumps(body)))

    def steps(self, run: Run) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What every step that is written down came to, in the order of rounds and candidates."""
        rows = self._database.execute("SELECT step, body FROM journal WHERE run = ?", (run.id,)).fetchall()
        for step, body in sorted(rows, key=lambda row: [int(part) for part in row[0].split(".")]):
            yield step, json.loads(body)

    def answered(self, run: Run, step: str, question: str) -> Mapping[str, Any] | None:
        """The answer to one question of a step, if it was paid for before."""
        sql = "SELECT body FROM asked WHERE run = ? AND step = ? AND question = ?"
        row = self._database.execute(sql, (run.id, step, question)).fetchone()
        return json.loads(row[0]) if row else None

    def answer(self, run: Run, step: str, question: str, body: Mapping[str, Any], cost: Cost) -> None:
        """Write an answer down with what it cost, both or neither."""
        row = (run.id, step, question, json.dumps(body))
        with transaction(self._database):
            self._database.execute("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?)", row)
            self.spend(run, step, cost)

    def spend(self, run: Run, step: str, cost: Cost) -> None:
        """Write a cost down, once it is known."""
        row = (run.id, step, *astuple(cost))
        self._database.execute("INSERT INTO costs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def costs(self, run: Run) -> list[tuple[str, Cost]]:
        """Every cost of a run with its step, in the order they came."""
        sql = (
            "SELECT step, what, who, calls, tokens, dollars, episodes, seconds FROM costs WHERE run = ? ORDER BY rowid"
        )
        return [(row[0], Cost(*row[1:])) for row in self._database.execute(sql, (run.id,))]
