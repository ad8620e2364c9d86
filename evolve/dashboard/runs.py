"""The page Runs: the search at work now, and those before it with what they spent and found."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request

from alma_mcp.dashboard.flash import say
from alma_mcp.dashboard.section import Shown
from alma_mcp.errors import BadRequest, DataMissing, EvolveError
from evolve.archive import Archive, Cost, Run
from evolve.at_work import ask_to_stop, searching, stop_file
from evolve.dashboard.evolution import EXAMPLE
from evolve.dashboard.reader import Reader
from evolve.evaluation import Rejection
from evolve.views.expenses import Spent, duration, spent
from evolve.views.going_on import command_to_go_on
from evolve.views.posting import posted
from evolve.views.report import report_data, report_lines
from evolve.views.scene import STAGES_OF_A_WAY, Scene, gauges
from evolve.views.told import told

MOST_CANDIDATES = 1000


@dataclass(frozen=True, slots=True)
class Runs:
    """The views and the one action of the section. `clock` gives seconds since the epoch."""

    reader: Reader
    clock: Callable[[], float] = time.time

    async def all(self, _: Request) -> Shown:
        """What is at work, and every run of the archive, the latest first."""
        home = self.reader.home
        found = await self.reader.read_once("runs", _runs)
        holder = searching(home)
        post = await asyncio.to_thread(posted, home) if holder else None
        scene = post.seen_at(self.clock()) if post and post.pid == holder else None
        return Shown(
            "runs.html",
            {
                "runs": found or [],
                "at_work": holder,
                "stopping": holder is not None and stop_file(home).exists(),
                "scene": _scene_data(scene) if scene else None,
                "example": EXAMPLE,
            },
        )

    async def one(self, request: Request) -> Shown:
        """One run, candidate by candidate. Raises `DataMissing`."""
        number = request.path_params["run"]
        found = await self.reader.read_once(("run", number), lambda archive: _run(archive, number))
        if found is None:
            raise DataMissing(f"This archive has no run {number}; the page Runs lists those it has.")
        return Shown("runs_one.html", found)

    async def stop(self, request: Request, _: FormData) -> str:
        """As `alma-evolve stop`. Raises `BadRequest` where nothing is at work."""
        try:
            holder = ask_to_stop(self.reader.home)
        except EvolveError as error:
            raise BadRequest(str(error)) from error
        say(request, f"The search of process {holder} ends once what is in flight is through.")
        return "/runs"


def _scene_data(scene: Scene) -> Mapping[str, Any]:
    """What is to be seen now, in words."""
    return {
        "scene": scene,
        "elapsed": duration(scene.elapsed),
        "left": "" if scene.left is None else duration(scene.left),
        "flights": [(each, duration(scene.now - each.since)) for each in scene.flights],
        "stages": STAGES_OF_A_WAY,
        "gauges": gauges(scene.spending),
    }


def _runs(archive: Archive) -> list[Mapping[str, Any]]:
    return [_told(archive, run) for run in reversed(archive.journal.runs())]


def _told(archive: Archive, run: Run) -> Mapping[str, Any]:
    data = report_data(archive, run)
    finished = run.done >= run.rounds
    best = data["best"]
    return {
        **data,
        "finished": finished,
        "total": str(_total(cost for _, cost in archive.journal.costs(run))),
        "spent": {who: str(Spent(**cost)) for who, cost in data["spent"].items()},
        "go_on": "" if finished else command_to_go_on(archive.journal.configuration(run), run.rounds),
        "best_told": told(archive.scores(run.benchmark)[best["design"]]) if best else "",
    }


def _total(costs: Any) -> Spent:
    total = Spent()
    for cost in costs:
        total = total.plus(cost)
    return total


def _run(archive: Archive, number: int) -> Mapping[str, Any] | None:
    run = next((each for each in archive.journal.runs() if each.id == number), None)
    if run is None:
        return None
    names = {entry.id: entry.name for entry in archive.entries()}
    costs: dict[str, list[Cost]] = {}
    for step, cost in archive.journal.costs(run):
        costs.setdefault(step, []).append(cost)
    candidates = [
        _candidate(archive, run, step, body, names, costs.get(step, [])) for step, body in archive.journal.steps(run)
    ]
    return {
        "run": _told(archive, run),
        "lines": report_lines(archive, run),
        "configuration": archive.journal.configuration(run),
        "candidates": candidates[-MOST_CANDIDATES:],
        "left_out": max(0, len(candidates) - MOST_CANDIDATES),
        "others": {step: str(_total(each)) for step, each in costs.items() if not step[:1].isdigit()},
        "by": spent(cost for each in costs.values() for cost in each),
    }


def _candidate(
    archive: Archive, run: Run, step: str, body: Mapping[str, Any], names: Mapping[str, str], costs: list[Cost]
) -> Mapping[str, Any]:
    design = str(body.get("design", ""))
    verdict = archive.verdict(design, run.benchmark, "search") if design else None
    rejection = body.get("rejection") or body.get("proposal", {}).get("rejection")
    state = told(verdict) if verdict else told(Rejection(**rejection)) if rejection else ""
    return {
        "step": step,
        "design": design,
        "name": names.get(design, ""),
        "control": bool(body.get("control")),
        "who": body.get("proposal", {}).get("who", ""),
        "told": state or ("in flight" if "outcome" not in body else str(body["outcome"])),
        "cost": str(_total(costs)),
    }
