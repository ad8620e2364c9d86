"""The runs of an archive as data: how far each is, what it spent, how it goes on; and the best on each benchmark."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evolve.archive import Archive, Run
from evolve.archive.openings import Opening
from evolve.commands.reference import names_of
from evolve.compare import alpha_for_opening
from evolve.evaluation import Evaluation
from evolve.views.expenses import spent
from evolve.views.going_on import command_to_go_on
from evolve.views.standings import Standing, standings
from evolve.views.told import told, verdict_data

BEST = 3


def status_data(archive: Archive, at_work: int | None) -> dict[str, Any]:
    """All that `alma-evolve status` says; `at_work` is the process that searches now."""
    runs = archive.journal.runs()
    found = standings(archive)
    names = names_of(archive.entries())
    return {
        "designs": len(names),
        "runs": [run_data(archive, run) for run in runs],
        "spending": spent(cost for run in runs for _, cost in archive.journal.costs(run)),
        "benchmarks": [_benchmark_data(name, found[name]) for name in found],
        "at_work": at_work,
        "openings": [opening_data(each, names) for each in archive.openings.history()],
    }


def run_data(archive: Archive, run: Run) -> dict[str, Any]:
    """A run, and the command that goes on with it where it is not finished."""
    configuration = archive.journal.configuration(run)
    finished = run.done >= run.rounds
    return {
        "id": run.id,
        "benchmark": run.benchmark,
        "rounds": run.rounds,
        "done": run.done,
        "finished": finished,
        "candidates": len(list(archive.journal.steps(run))),
        "go_on": "" if finished else command_to_go_on(configuration, run.rounds),
        "spending": spent(cost for _, cost in archive.journal.costs(run)),
        "configuration": json.loads(configuration),
    }


def opening_data(opening: Opening, names: Mapping[str, str]) -> dict[str, Any]:
    """An opening of the gate, with the names of both sides and its share of alpha."""
    fields = asdict(opening)
    sides = {f"{side}_name": names.get(fields[side], "") for side in ("challenger", "champion")}
    return {**fields, **sides, "alpha": alpha_for_opening(opening.number)}


def _benchmark_data(benchmark: str, found: list[Standing]) -> dict[str, Any]:
    scored = [each for each in found if isinstance(each.verdict, Evaluation) and not each.verdict.eliminated]
    eliminated = [each for each in found if isinstance(each.verdict, Evaluation) and each.verdict.eliminated]
    best = [
        {"id": each.entry.id, "name": each.entry.name, **verdict_data(each.verdict), "told": told(each.verdict)}
        for each in scored[:BEST]
    ]
    counts = {"scored": len(scored), "eliminated": len(eliminated)}
    return {"benchmark": benchmark, **counts, "rejected": len(found) - len(scored) - len(eliminated), "best": best}
