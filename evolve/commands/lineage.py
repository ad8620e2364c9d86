"""`alma-evolve lineage`: which design was made from which, as a tree of text and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alma_mcp.design_store import SHORT
from alma_mcp.errors import EvolveError
from evolve.archive import Archive
from evolve.commands.json_option import json_option, say_json
from evolve.commands.reference import names_of
from evolve.evaluation import Verdict
from evolve.views.lineage import Branch, family, grow, text_tree
from evolve.views.lineage_svg import draw
from evolve.views.outcome import outcome
from evolve.views.standings import EMPTY, one_benchmark, standings
from evolve.views.told import one_line, verdict_data

if TYPE_CHECKING:
    from evolve.cli import Context


@click.command()
@click.argument("design", required=False)
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into this file.")
@click.option("--benchmark", default="", help="Whose scores to show.  [default: that of the latest run]")
@json_option
@click.pass_obj
def lineage(context: "Context", design: str | None, svg: Path | None, benchmark: str, *, as_json: bool) -> None:
    """What every design was made from, with its score; of DESIGN alone: what it came from, and what came of it.

    A design with two parents stands under the first, and names the other.
    """
    with Archive(context.home.archive, context.store) as archive:
        found = standings(archive)
        name = one_benchmark(archive, found, benchmark)
        verdicts = {standing.entry.id: standing.verdict for standing in found.get(name, ())}
        outcomes = {design: outcome(verdict) for design, verdict in verdicts.items()}
        entries = archive.entries()
        branches = grow(family(entries, archive.entry(design).id) if design else entries, outcomes)
    if svg:
        _write(svg, draw(branches, name))
    if as_json:
        say_json({"benchmark": name, "designs": [_branch_data(each, verdicts) for each in branches]})
    elif not entries:
        click.echo(EMPTY)
    else:
        click.echo(f"{name or 'Nothing is evaluated yet'}{', search split' if name else ''}")
        names = names_of(entries)
        for drawn, branch in zip(text_tree(branches), branches, strict=True):
            click.echo(drawn + _line(branch, names))


def _line(branch: Branch, names: Mapping[str, str]) -> str:
    state = branch.outcome.told if branch.outcome else "not evaluated"
    others = _named(branch.others, names)
    also = f" (also from {others})" if others else ""
    return f"{one_line(branch.entry.name)} {branch.entry.id[:SHORT]} {state}{also}"


def _named(designs: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(one_line(names.get(each, "")) or each[:SHORT] for each in designs)


def _branch_data(branch: Branch, verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    entry = branch.entry
    return {
        "id": entry.id,
        "name": entry.name,
        "depth": branch.depth,
        "under": branch.above,
        "parents": list(entry.parents),
        **verdict_data(verdicts.get(entry.id)),
    }


def _write(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise EvolveError(f"Cannot write {path}: {error.strerror}.") from error
