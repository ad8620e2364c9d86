"""`alma-evolve export`, and `import` of what it has written: designs go from one archive to another."""

import time
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alma_mcp.design_store import SHORT, Design
from evolve.archive import Archive, Entry
from evolve.commands.json_option import json_option, say_json
from evolve.commands.reference import names_of
from evolve.views.design_folder import (
    HYPOTHESIS_LETTERS,
    TITLE_LETTERS,
    Card,
    CardParent,
    Passed,
    read_designs,
    write_designs,
)
from evolve.views.told import one_line, verdict_data

if TYPE_CHECKING:
    from evolve.cli import Context


@click.command()
@click.argument("designs", metavar="DESIGN...", nargs=-1, required=True)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True)
@json_option
@click.pass_obj
def export(context: "Context", designs: tuple[str, ...], folder: Path, *, as_json: bool) -> None:
    """Write designs of the archive into a folder, each with its card; `alma-evolve import FOLDER` takes them in."""
    with Archive(context.home.archive, context.store) as archive:
        named = [archive.entry(each) for each in designs]
        passed = [_passed(archive, entry) for entry in dict.fromkeys(named)]
    written = write_designs(folder, passed)
    if as_json:
        pairs = zip(passed, written, strict=True)
        say_json([{"id": each.design.id, "name": each.design.name, "folder": str(path)} for each, path in pairs])
    else:
        for path in written:
            click.echo(f"Wrote {path}")
        click.echo(f"Next, where they are wanted: alma-evolve import {folder}")


def import_folder(context: "Context", folder: Path, *, as_json: bool) -> None:
    """Take in the designs of a folder: their code, lineage and hypotheses. Nothing of them is run or believed."""
    passed = read_designs(folder)
    with Archive(context.home.archive, context.store) as archive:
        before = {entry.id: entry for entry in archive.entries()}
        known = set(before)
        with archive.transaction():
            for each in passed:
                _take_in(archive, each, known)
        taken = [archive.entry(each.design.id) for each in passed]
    if as_json:
        say_json([{"id": each.id, "name": each.name, "new": each.id not in before} for each in taken])
        return
    for entry in taken:
        state = "was here already" if entry.id in before else "taken in"
        click.echo(f"{one_line(entry.name)} {entry.id[:SHORT]}: {state}")
    click.echo("Scores and lessons were left: those of another machine are not compared with ours, so measure here.")
    click.echo(f"Next: alma-evolve evaluate {taken[-1].id[:SHORT]} --benchmark locomo")


def _passed(archive: Archive, entry: Entry) -> Passed:
    names = names_of(archive.entries())
    verdicts = [
        {"benchmark": benchmark, "split": split, **verdict_data(verdict)}
        for benchmark, split, verdict in archive.verdicts(entry.id)
    ]
    card = Card(
        id=entry.id,
        name=entry.name[:TITLE_LETTERS],
        proposer=entry.proposer[:TITLE_LETTERS],
        hypothesis=entry.hypothesis[:HYPOTHESIS_LETTERS],
        parents=[CardParent(id=parent, name=names.get(parent, "")[:TITLE_LETTERS]) for parent in entry.parents],
        lessons=[asdict(lesson) for lesson in archive.lessons(entry.id)],
        verdicts=verdicts,
    )
    return Passed(Design(archive.design(entry).source, entry.name), card)


def _take_in(archive: Archive, passed: Passed, known: set[str]) -> None:
    """Keep a design, made from those of its parents that are here."""
    names = {entry.name for entry in archive.entries()}
    design = Design(passed.design.source, _free_name(passed.design, names))
    parents = [parent.id for parent in passed.card.parents if parent.id in known]
    archive.add(design, "import", passed.card.hypothesis, parents, time.time())
    known.add(design.id)


def _free_name(design: Design, taken: Collection[str]) -> str:
    """Its name, unless another has it, or it could be read as an id."""
    name = design.name
    if name and name not in taken and not all(each in "0123456789abcdef" for each in name):
        return name
    return f"{name or 'imported'}-import-{design.short}"
