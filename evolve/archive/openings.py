"""Challengers, each written down before the gate opens, and the openings, each counted before anything is seen."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from alma_mcp.errors import EvolveError
from alma_mcp.evidence.dossier import Finalist
from evolve.archive.database import transaction


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenger that was written down against a champion, and the finalists that it was chosen from.

    `opening` counts the openings of the benchmark's gate; it is 0 until the gate opens.
    """

    id: int
    benchmark: str
    challenger: str
    champion: str
    finalists: tuple[Finalist, ...] = ()
    opening: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """The `number`-th opening of a benchmark's gate. Designs are ids; `at` is in seconds since the epoch.

    `ended` is empty while it is not at its end, and where that was not written down. `id` is that among the openings
    of all benchmarks.
    """

    benchmark: str
    number: int
    challenger: str
    champion: str
    at: float
    ended: str
    id: int = 0


class Openings:
    """Of a benchmark at most one challenge is pending: written down, and neither finished nor given up."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def pending(self, benchmark: str) -> Challenge | None:
        sql = "SELECT id, challenger, champion, finalists, opening FROM challenges WHERE benchmark = ? AND ended = ''"
        found = self._database.execute(sql, (benchmark,)).fetchone()
        if found is None:
            return None
        number, challenger, champion, finalists, row = found
        known = tuple(Finalist(**each) for each in json.loads(finalists))
        return Challenge(number, benchmark, challenger, champion, known, self._number(benchmark, row))

    def write_down(
        self, benchmark: str, challenger: str, champion: str, finalists: Sequence[Finalist], at: float
    ) -> Challenge:
        """Raises `EvolveError` where another challenge is pending."""
        listed = json.dumps([each.model_dump() for each in finalists])
        with transaction(self._database):
            if self.pending(benchmark):
                raise EvolveError(f"{benchmark} has a challenger already; `alma-evolve promote` goes on with it.")
            sql = "INSERT INTO challenges (benchmark, challenger, champion, finalists, at) VALUES (?, ?, ?, ?, ?)"
            cursor = self._database.execute(sql, (benchmark, challenger, champion, listed, at))
            assert cursor.lastrowid
        return Challenge(cursor.lastrowid, benchmark, challenger, champion, tuple(finalists))

    def finalists(self, benchmark: str) -> tuple[str, ...]:
        """The designs that the latest challenger of a benchmark was chosen from, and the challenger itself first."""
        sql = "SELECT challenger, finalists FROM challenges WHERE benchmark = ? ORDER BY id DESC LIMIT 1"
        found = self._database.execute(sql, (benchmark,)).fetchone()
        if found is None:
            return ()
        return tuple(dict.fromkeys([found[0], *(each["design"] for each in json.loads(found[1]))]))

    def count(self, challenge: Challenge, at: float) -> int:
        """Count the opening of the gate for a challenge, once however often it is asked for; gives its number."""
        with transaction(self._database):
            sql = "SELECT opening FROM challenges WHERE id = ?"
            (row,) = self._database.execute(sql, (challenge.id,)).fetchone()
            if not row:
                pair = (challenge.benchmark, challenge.challenger, challenge.champion, at)
                sql = "INSERT INTO openings (benchmark, challenger, champion, at) VALUES (?, ?, ?, ?)"
                row = self._database.execute(sql, pair).lastrowid
                self._database.execute("UPDATE challenges SET opening = ? WHERE id = ?", (row, challenge.id))
        return self._number(challenge.benchmark, row)

    def id_of(self, benchmark: str, number: int) -> int:
        """Of the `number`-th opening of a benchmark's gate; 0 where there is none."""
        found = [each.id for each in self.history() if (each.benchmark, each.number) == (benchmark, number)]
        return found[0] if found else 0

    def end(self, challenge: Challenge, how: str) -> None:
        """Write down what became of a challenge: its dossier's verdict, or why it was given up.

        An opening that was counted stays so.
        """
        self._database.execute("UPDATE challenges SET ended = ? WHERE id = ?", (how, challenge.id))

    def history(self) -> list[Opening]:
        """Every opening, the oldest first."""
        sql = (
            "SELECT o.benchmark, o.number, o.challenger, o.champion, o.at, coalesce(c.ended, '') FROM openings o"
            " LEFT JOIN challenges c ON c.opening = o.number ORDER BY o.number"
        )
        rows = self._database.execute(sql).fetchall()
        return [
            Opening(benchmark, self._number(benchmark, number), challenger, champion, at, ended, number)
            for benchmark, number, challenger, champion, at, ended in rows
        ]

    def _number(self, benchmark: str, row: int) -> int:
        sql = "SELECT count(*) FROM openings WHERE benchmark = ? AND number <= ?"
        (number,) = self._database.execute(sql, (benchmark, row)).fetchone()
        return int(number)
