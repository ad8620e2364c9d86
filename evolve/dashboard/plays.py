"""The plays: an opening of the gate task by task, one task with both sides, one episode step by step.

This alone shows the gate split, and to a person alone: nothing here is reached from what writes designs.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from alma_mcp.dashboard.section import Shown
from alma_mcp.errors import DataMissing, EvolveError
from evolve.archive import Archive
from evolve.archive.openings import Opening
from evolve.compare import interval
from evolve.dashboard.reader import Reader
from evolve.episode import Episode
from evolve.episodes import Episodes
from evolve.evaluation import COUNTS, Evaluation, TaskResult, from_json

MOST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Side:
    """What one design did in an opening: its results, by task and seed, and those under controls, by their names."""

    id: str
    name: str
    results: Mapping[tuple[str, int], TaskResult]

    def of_task(self, task: str) -> list[TaskResult]:
        """Every play of a task."""
        return [result for (name, _), result in sorted(self.results.items()) if name == task]

    def controls(self, task: str) -> list[TaskResult]:
        """Every play of a task under a control."""
        return [result for (name, _), result in sorted(self.results.items()) if name.startswith(f"{task} [")]

    def tasks(self) -> set[str]:
        return {name for name, _ in self.results if not name.endswith("]") or " [" not in name}


@dataclass(frozen=True, slots=True)
class Row:
    """One task of an opening; a score is None where it was not played."""

    task: str
    challenger: float | None
    champion: float | None

    @property
    def outcome(self) -> str:
        """As the challenger sees it."""
        if self.challenger is None or self.champion is None:
            return "not compared"
        return "tie" if self.challenger == self.champion else "win" if self.challenger > self.champion else "loss"


@dataclass(frozen=True, slots=True)
class Opened:
    """An opening with all that was played in it."""

    opening: Opening
    primary: str
    challenger: Side
    champion: Side

    def rows(self) -> list[Row]:
        """Losses first, then wins, then ties, then what was not compared."""
        order = ("loss", "win", "tie", "not compared")
        tasks = sorted(self.challenger.tasks() | self.champion.tasks())
        rows = [Row(task, self._mean(self.challenger, task), self._mean(self.champion, task)) for task in tasks]
        return sorted(rows, key=lambda row: order.index(row.outcome))

    def _mean(self, side: Side, task: str) -> float | None:
        scores = [result.metrics.get(self.primary, 0.0) for result in side.of_task(task)]
        return math.fsum(scores) / len(scores) if scores else None


@dataclass(slots=True)
class Plays:
    """The views of plays."""

    reader: Reader

    async def opening(self, request: Request) -> Shown:
        """Every task of an opening. Raises `DataMissing`."""
        opened = await self._opened(request)
        rows = opened.rows()
        counts = {each: sum(1 for row in rows if row.outcome == each) for each in ("win", "tie", "loss")}
        means = [_told(rows, side) for side in ("challenger", "champion")]
        return Shown("evolution_opening.html", {"opened": opened, "rows": rows, "counts": counts, "means": means})

    async def task(self, request: Request) -> Shown:
        """One task, what both did side by side. Raises `DataMissing`."""
        opened, task = await self._opened(request), request.path_params["task"]
        sides = [(title, side, side.of_task(task)) for title, side in _sides(opened)]
        if not any(results for _, _, results in sides):
            raise DataMissing(f"Opening {opened.opening.id} has no plays of {task!r}: its page lists those it has.")
        traces = [result.trace for _, _, results in sides for result in results]
        episodes = Episodes(self.reader.home.episodes)
        kept = await asyncio.to_thread(episodes.collect, opened.opening.benchmark, traces)
        tasks = [row.task for row in opened.rows()]
        place = tasks.index(task) if task in tasks else 0
        return Shown(
            "evolution_play.html",
            {
                "opened": opened,
                "task": task,
                "sides": sides,
                "row": next((row for row in opened.rows() if row.task == task), None),
                "controls": opened.challenger.controls(task),
                "episodes": {number: steps_of(episode) for number, episode in kept.items()},
                "before": tasks[place - 1] if place else "",
                "after": tasks[place + 1] if place + 1 < len(tasks) else "",
            },
        )

    async def episode(self, request: Request) -> Shown:
        """One episode. Raises `DataMissing` where there is no single one whose id begins so."""
        number = request.path_params["episode"]
        try:
            episode = await asyncio.to_thread(Episodes(self.reader.home.episodes).find, number)
        except EvolveError as error:
            raise DataMissing(str(error)) from error
        return Shown("evolution_episode.html", {"number": number, "shown": steps_of(episode)})

    async def _opened(self, request: Request) -> Opened:
        number = request.path_params["opening"]
        found = await self.reader.read(lambda archive: _opened(archive, number))
        if found is None:
            raise DataMissing(f"This archive has no opening {number} of a gate; `alma-evolve status` lists them.")
        return found


def steps_of(episode: Episode) -> Mapping[str, Any]:
    """An episode ready to be shown: the first `MOST_STEPS` of its steps, and how many there are."""
    return {"episode": episode, "steps": episode.steps[:MOST_STEPS], "left_out": len(episode.steps) - MOST_STEPS}


def _opened(archive: Archive, number: int) -> Opened | None:
    opening = next((each for each in archive.openings.history() if each.id == number), None)
    if opening is None:
        return None
    names = {entry.id: entry.name for entry in archive.entries()}
    sides = []
    for design in (opening.challenger, opening.champion):
        book = archive.book(design, opening.benchmark, f"gate#{opening.number}")
        results = {(each.result.task, each.result.seed): each.result for each in book.entries()}
        sides.append(Side(design, names.get(design, ""), results))
    return Opened(opening, _primary(archive, opening.benchmark, sides), sides[0], sides[1])


def _primary(archive: Archive, benchmark: str, sides: Sequence[Side]) -> str:
    """The primary metric, as any evaluation of the benchmark has it; else the first that a play was scored by."""
    for text in archive.verdict_texts(benchmark).values():
        if isinstance(verdict := from_json(text), Evaluation):
            return verdict.primary
    names = [name for side in sides for result in side.results.values() for name in result.metrics]
    return next((name for name in names if name not in COUNTS), "")


def _sides(opened: Opened) -> list[tuple[str, Side]]:
    return [("Challenger", opened.challenger), ("Champion", opened.champion)]


def _told(rows: Sequence[Row], side: str) -> str:
    """The mean of a side over the tasks in pairs, with its interval."""
    scores = {row.task: float(getattr(row, side)) for row in rows if row.outcome != "not compared"}
    return str(interval(list(scores.values()), list(scores))) if scores else "nothing yet"
