"""`alma-evolve compare`: two designs of the archive, task by task, from what was played already."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from alma_mcp.design_store import Design
from evolve.archive import Archive
from evolve.commands.json_option import json_option, say_json
from evolve.commands.reference import find_design
from evolve.views.paired import OPEN_SPLITS, OpenSplit, Pair, Paired, pair_up
from evolve.views.standings import one_benchmark, standings
from evolve.views.told import interval_data, one_line

if TYPE_CHECKING:
    from evolve.cli import Context

EXTREMES = 5


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--benchmark", default="", help="Its name, or the beginning of it.  [default: that of the latest run]")
@click.option("--split", type=click.Choice(OPEN_SPLITS), default="search", show_default=True)
@json_option
@click.pass_obj
def compare(context: "Context", first: str, second: str, benchmark: str, split: OpenSplit, *, as_json: bool) -> None:
    """Design A minus design B on the tasks that both have played. Nothing is played for it, and no gate is opened."""
    with Archive(context.home.archive, context.store) as archive:
        sides = (find_design(archive, first), find_design(archive, second))
        name = one_benchmark(archive, standings(archive), benchmark)
        paired = pair_up(archive, *sides, name, split)
    if as_json:
        say_json({"benchmark": name, "split": split, **_compared(sides, paired)})
    else:
        click.echo(f"{name}, {split} split, {paired.primary}: {_name(sides[0])} minus {_name(sides[1])}")
        _print(sides, paired)


def _compared(sides: Sequence[Design], paired: Paired) -> dict[str, Any]:
    compared = paired.comparison
    return {
        "a": {"id": sides[0].id, "name": sides[0].name, "alone": paired.alone[0]},
        "b": {"id": sides[1].id, "name": sides[1].name, "alone": paired.alone[1]},
        "primary": paired.primary,
        **asdict(compared),
        "difference": interval_data(compared.difference),
        "largest_gains": [_pair_data(pair) for pair in _largest(paired, 1)],
        "largest_losses": [_pair_data(pair) for pair in _largest(paired, -1)],
    }


def _print(sides: Sequence[Design], paired: Paired) -> None:
    compared = paired.comparison
    counts = f"{compared.wins} wins, {compared.ties} ties, {compared.losses} losses"
    click.echo(f"Difference {compared.difference} on {compared.tasks} tasks that both have played: {counts}")
    if any(paired.alone):
        left = " and ".join(f"{count} of {_name(side)}" for count, side in zip(paired.alone, sides, strict=True))
        click.echo(f"Left out, since only one has played them: {left}")
    for title, sign in (("The largest gains", 1), ("The largest losses", -1)):
        for number, pair in enumerate(_largest(paired, sign)):
            if not number:
                click.echo(f"{title}:")
            click.echo(f"  {pair.difference:+.3f}  {pair.first:.3f} against {pair.second:.3f}  {one_line(pair.task)}")


def _largest(paired: Paired, sign: int) -> list[Pair]:
    """The tasks of the largest differences of a sign."""
    having = [pair for pair in paired.pairs if pair.difference * sign > 0]
    return sorted(having, key=lambda pair: (-pair.difference * sign, pair.task))[:EXTREMES]


def _pair_data(pair: Pair) -> dict[str, Any]:
    return {"task": pair.task, "a": pair.first, "b": pair.second, "difference": pair.difference}


def _name(design: Design) -> str:
    return one_line(design.name) or design.short
