"""`alma-evolve status`: what was searched and is not finished, what was spent, what is best, when the gate opened."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from alma_mcp.design_store import SHORT
from evolve.archive import Archive
from evolve.at_work import searching
from evolve.commands.json_option import json_option, say_json
from evolve.views.expenses import Spent
from evolve.views.runs import status_data
from evolve.views.standings import EMPTY
from evolve.views.told import one_line

if TYPE_CHECKING:
    from evolve.cli import Context


@click.command()
@json_option
@click.pass_obj
def status(context: "Context", *, as_json: bool) -> None:
    """Runs and how an unfinished one goes on, what they cost, the best designs, the openings of the gate."""
    with Archive(context.home.archive, context.store) as archive:
        data = status_data(archive, searching(context.home))
    if as_json:
        say_json(data)
    else:
        for line in _lines(data):
            click.echo(line)


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
