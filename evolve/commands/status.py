"""`alma-evolve status`: what was searched and is not finished, what was spent, what is best, when the gate opened."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from alma_mcp.design_store import SHORT
from evolve.archive import Archive, Run
from evolve.commands.alone import search_lock
from evolve.commands.json_option import json_option, say_json
from evolve.commands.reference import names_of
from evolve.compare import alpha_for_opening
from evolve.evaluation import Evaluation
from evolve.views.expenses import Spent, spent
from evolve.views.going_on import command_to_go_on
from evolve.views.standings import EMPTY, Standing, standings
from evolve.views.told import one_line, told, verdict_data

if TYPE_CHECKING:
    from evolve.cli import Context

BEST = 3


@click.command()
@json_option
@click.pass_obj
def status(context: "Context", *, as_json: bool) -> None:
    """Runs and how an unfinished one goes on, what they cost, the best designs, the openings of the gate."""
    with Archive(context.home.archive, context.store) as archive:
        data = _status_data(archive)
        names = names_of(archive.entries())
        data["at_work"] = search_lock(context).holder()
        data["openings"] = [_opening_data(asdict(each), names) for each in archive.openings.history()]
    if as_json:
        say_json(data)
    else:
        for line in _lines(data):
            click.echo(line)


def _status_data(archive: Archive) -> dict[str, Any]:
    runs = archive.journal.runs()
    found = standings(archive)
    return {
        "designs": len(archive.entries()),
        "runs": [_run_data(archive, run) for run in runs],
        "spending": spent(cost for run in runs for _, cost in archive.journal.costs(run)),
        "benchmarks": [_benchmark_data(name, found[name]) for name in found],
    }


def _run_data(archive: Archive, run: Run) -> dict[str, Any]:
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


def _benchmark_data(benchmark: str, found: list[Standing]) -> dict[str, Any]:
    scored = [each for each in found if isinstance(each.verdict, Evaluation) and not each.verdict.eliminated]
    eliminated = [each for each in found if isinstance(each.verdict, Evaluation) and each.verdict.eliminated]
    best = [
        {"id": each.entry.id, "name": each.entry.name, **verdict_data(each.verdict), "told": told(each.verdict)}
        for each in scored[:BEST]
    ]
    counts = {"scored": len(scored), "eliminated": len(eliminated)}
    return {"benchmark": benchmark, **counts, "rejected": len(found) - len(scored) - len(eliminated), "best": best}


def _opening_data(opening: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    sides = {f"{side}_name": names.get(opening[side], "") for side in ("challenger", "champion")}
    return {**opening, **sides, "alpha": alpha_for_opening(opening["number"])}


def _lines(data: Mapping[str, Any]) -> Iterable[str]:
    if not data["designs"]:
        yield EMPTY
        return
    yield f"{data['designs']} designs in the archive."
    if data["at_work"]:
        yield f"A search is at work (process {data['at_work']}); `alma-evolve stop` ends it."
    for run in data["runs"]:
        yield from _run_lines(run)
    if len(data["runs"]) > 1:
        yield from (f"All runs, {who}: {Spent(**cost)}" for who, cost in data["spending"].items())
    for each in data["benchmarks"]:
        counts = f"{each['scored']} scored, {each['eliminated']} eliminated, {each['rejected']} rejected"
        yield f"{each['benchmark']}: {counts}"
        yield from (f"  {best['id'][:SHORT]} {one_line(best['name'])}: {best['told']}" for best in each["best"])
    for opening in data["openings"]:
        sides = [one_line(opening[f"{side}_name"]) or opening[side][:SHORT] for side in ("challenger", "champion")]
        day = datetime.fromtimestamp(opening["at"], UTC).date()
        ended = f", {opening['ended']}" if opening["ended"] else ""
        place = f"Gate of {opening['benchmark']}, opening {opening['number']}, {day}"
        yield f"{place}: {sides[0]} against {sides[1]}{ended}"
    if not data["openings"]:
        yield "The gate was never opened; `alma-evolve promote` opens it."


def _run_lines(run: Mapping[str, Any]) -> Iterable[str]:
    on = f" on {run['benchmark']}" if run["benchmark"] else ""
    rounds = f"{run['done']} of {run['rounds']} rounds done, {run['candidates']} candidates"
    yield f"Run {run['id']}{on}: {rounds}{', finished' if run['finished'] else ''}"
    if not run["finished"]:
        same = "the command that it was started with (its settings: alma-evolve status --json)"
        yield f"  goes on with: {run['go_on'] or same}"
    yield from (f"  spent, {who}: {Spent(**cost)}" for who, cost in run["spending"].items())
