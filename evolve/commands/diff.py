"""`alma-evolve diff`: what one design has and another has not, line by line."""

import difflib
from typing import TYPE_CHECKING

import click

from alma_mcp.design_store import Design
from evolve.archive import Archive
from evolve.commands.json_option import json_option, say_json
from evolve.commands.reference import find_design
from evolve.views.told import one_line, plain

if TYPE_CHECKING:
    from evolve.cli import Context

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@json_option
@click.pass_obj
def diff(context: "Context", first: str, second: str, *, as_json: bool) -> None:
    """What changes from design A to design B: names, ids, or files."""
    with Archive(context.home.archive, context.store) as archive:
        before, after = find_design(archive, first), find_design(archive, second)
    lines = changes(before, after)
    if as_json:
        counts = {"added": _count(lines, "+"), "removed": _count(lines, "-")}
        say_json({"a": _side(before), "b": _side(after), **counts, "diff": "\n".join(lines)})
    elif not lines:
        click.echo(f"{_title(before)} and {_title(after)} are the same, to the letter.")
    for line in lines if not as_json else ():
        click.echo(click.style(plain(line), fg=COLOURS.get(line[:1])))


def changes(before: Design, after: Design) -> list[str]:
    """A unified diff of two sources; empty where they are the same."""
    sides = (before.source.splitlines(), after.source.splitlines())
    return list(difflib.unified_diff(*sides, _title(before), _title(after), lineterm=""))


def _title(design: Design) -> str:
    return f"{one_line(design.name)} {design.short}"


def _side(design: Design) -> dict[str, str]:
    return {"id": design.id, "name": design.name}


def _count(lines: list[str], sign: str) -> int:
    """Of the lines below the two that name the sides."""
    return sum(line.startswith(sign) for line in lines[2:])
