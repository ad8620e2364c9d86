"""`alma-evolve archive` (or `list`) and `show`: look at what was found, and at how it was played."""

from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alma_mcp.design_store import SHORT
from alma_mcp.errors import DesignUnknown, EvolveError
from evolve.archive import Archive
from evolve.commands.json_option import json_option, say_json
from evolve.episodes import Episodes
from evolve.evaluation import Evaluation, Rejection
from evolve.views.design_view import design_data, print_design
from evolve.views.episode_view import episode_data, print_episode
from evolve.views.standings import EMPTY, Standing, chosen, standings
from evolve.views.told import one_line, verdict_data

if TYPE_CHECKING:
    from evolve.cli import Context

MEMORY_LINES = 4
WIDE = 120
"""Columns from which on a table has room for parents and hypotheses."""


@click.command("archive")
@click.option("--benchmark", default="", help="Its name, or the beginning of it.  [default: all]")
@json_option
@click.pass_obj
def archive_designs(context: "Context", benchmark: str, *, as_json: bool) -> None:
    """The designs of the archive, benchmark by benchmark, best first, with their intervals."""
    with Archive(context.home.archive, context.store) as archive:
        found, entries = standings(archive), archive.entries()
    names = chosen(found, benchmark)
    if as_json:
        rows = [_row_data(name, standing) for name in names for standing in found[name]]
        say_json(rows)
    elif not entries:
        click.echo(EMPTY)
    elif not names:
        known = ", ".join(found) or "no benchmark yet"
        click.echo(f"Nothing was evaluated on {benchmark or 'any benchmark'}. There is: {known}.")
        click.echo(f"Designs: {', '.join(one_line(entry.name) for entry in entries)}")
    for name in names if not as_json else ():
        _print_table(name, found[name], len(entries))


list_designs = click.Command(
    "list", params=archive_designs.params, callback=archive_designs.callback, help="The same as `archive`."
)


@click.command()
@click.argument("design_or_episode", metavar="DESIGN|EPISODE")
@click.option("--memory", "whole", is_flag=True, help="All that memory returned before an episode.")
@json_option
@click.pass_obj
def show(context: "Context", design_or_episode: str, *, whole: bool, as_json: bool) -> None:
    """A design: its hypothesis, its parents, what became of it, its code. An episode: what was seen and done."""
    with Archive(context.home.archive, context.store) as archive:
        try:
            data = design_data(archive, archive.entry(design_or_episode))
        except DesignUnknown as unknown:
            try:
                episode = Episodes(context.home.episodes).find(design_or_episode)
            except EvolveError as neither:
                raise DesignUnknown(f"{unknown} {neither}") from None
            if as_json:
                say_json(episode_data(design_or_episode, episode))
            else:
                print_episode(Console(), episode, None if whole else MEMORY_LINES)
            return
    if as_json:
        say_json(data)
    else:
        print_design(Console(), data)


def show_table(context: "Context", benchmark: str) -> None:
    """The designs that were evaluated on a benchmark as a table, best first."""
    with Archive(context.home.archive, context.store) as archive:
        found, entries = standings(archive), archive.entries()
    _print_table(benchmark, found.get(benchmark, []), len(entries))


def _row_data(benchmark: str, standing: Standing) -> dict[str, Any]:
    entry = standing.entry
    return {
        "benchmark": benchmark,
        "id": entry.id,
        "name": entry.name,
        "proposer": entry.proposer,
        "parents": list(entry.parents),
        "children": entry.children,
        "hypothesis": entry.hypothesis,
        **verdict_data(standing.verdict),
    }


def _print_table(benchmark: str, found: list[Standing], designs: int) -> None:
    console = Console()
    wide = console.width >= WIDE
    table = Table(title=f"{benchmark}, search split", box=box.SIMPLE)
    for heading in ("id", "design", "score [95 %]", "tokens", "p95 ms"):
        table.add_column(heading, no_wrap=True)
    if wide:
        table.add_column("parents", no_wrap=True, max_width=26)
        table.add_column("hypothesis", max_width=max(20, console.width - 115), overflow="ellipsis", no_wrap=True)
    for standing in found:
        entry = standing.entry
        row = [entry.id[:SHORT], one_line(entry.name), *_figures(standing)]
        more = [" ".join(parent[:SHORT] for parent in entry.parents), one_line(entry.hypothesis)] if wide else []
        table.add_row(*(Text(cell) for cell in (*row, *more)))
    console.print(table)
    if left := designs - len(found):
        console.print(f"{left} more designs of the archive were not evaluated on it.")


def _figures(standing: Standing) -> tuple[str, str, str]:
    match standing.verdict:
        case Evaluation() as verdict:
            about = f"about {verdict.worth:.3f}, out at {verdict.eliminated}"
            score = about if verdict.eliminated else str(verdict.score)
            return score, f"{verdict.tokens:,.0f}", f"{verdict.latency_ms(0.95):.1f}"
        case Rejection() as verdict:
            return f"rejected at {verdict.stage}", "", ""
