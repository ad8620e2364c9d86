"""A design as a person reads it: what it claims, where it came from, what became of it, what it cost, its code."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from alma_mcp.design_store import SHORT, Design
from evolve.archive import Archive, Cost, Entry, Run
from evolve.commands.reference import names_of
from evolve.views.expenses import Spent, spent
from evolve.views.told import one_line, plain, told, verdict_data


def design_data(archive: Archive, entry: Entry) -> dict[str, Any]:
    """All that the archive knows of a design. `proposed` is the step that it was written in, where one was."""
    entries = archive.entries()
    names = names_of(entries)
    verdicts = archive.verdicts(entry.id)
    proposed = _proposed(archive, entry)
    proposal = proposed[2] if proposed else {}
    return {
        "id": entry.id,
        "name": entry.name,
        "proposer": entry.proposer,
        "hypothesis": entry.hypothesis,
        "refuted_by": proposal.get("refuted_by", ""),
        "plan": proposal.get("plan", ""),
        "who": proposal.get("who", ""),
        "parents": [{"id": parent, "name": names.get(parent, "")} for parent in entry.parents],
        "children": [{"id": each.id, "name": each.name} for each in entries if entry.id in each.parents],
        "verdicts": [
            {"benchmark": name, "split": split, **verdict_data(verdict), "told": told(verdict)}
            for name, split, verdict in verdicts
        ],
        "lessons": [asdict(lesson) for lesson in archive.lessons(entry.id)],
        "proposed": {"run": proposed[0].id, "step": proposed[1]} if proposed else None,
        "costs": spent(_costs(archive, entry, proposed)),
        "source": archive.design(entry).source,
    }


def print_design(console: Console, data: Mapping[str, Any]) -> None:
    """The same as text."""
    for line in _head(data):
        console.print(Text(line), soft_wrap=not console.is_terminal)
    for verdict in data["verdicts"]:
        console.print(Text(f"{verdict['benchmark']}, {verdict['split']}: {verdict['told']}"), soft_wrap=True)
    for lesson in data["lessons"]:
        line = f"Lesson (held {lesson['held']}, failed {lesson['failed']}): {one_line(lesson['line'])}"
        console.print(Text(line), soft_wrap=not console.is_terminal)
    for who, cost in data["costs"].items():
        console.print(Text(f"Cost, {who}: {Spent(**cost)}"))
    source = plain(data["source"])
    if console.is_terminal:
        console.print(Syntax(source, "python", word_wrap=True))
    else:
        console.print(Text(source), soft_wrap=True, end="")


def _head(data: Mapping[str, Any]) -> Iterable[str]:
    by = f"{data['proposer']} ({data['who']})" if data["who"] else data["proposer"]
    yield plain(f"{data['name']} ({data['id']}), by {by}")
    yield f"Hypothesis: {one_line(data['hypothesis']) or 'none stated'}"
    if data["refuted_by"]:
        yield f"Refuted by: {one_line(data['refuted_by'])}"
    if data["plan"]:
        yield f"Plan: {plain(data['plan']).strip()}"
    yield f"Parents: {_named(data['parents']) or 'none'}"
    if data["children"]:
        yield f"Children: {_named(data['children'])}"
    if data["proposed"]:
        yield f"Proposed in run {data['proposed']['run']}, step {data['proposed']['step']}"


def _named(designs: Iterable[Mapping[str, str]]) -> str:
    return ", ".join(f"{one_line(each['name'])} {each['id'][:SHORT]}".strip() for each in designs)


def _proposed(archive: Archive, entry: Entry) -> tuple[Run, str, Mapping[str, Any]] | None:
    """The run, the step and the proposal that a design was first written in."""
    for run in archive.journal.runs():
        for step, body in archive.journal.steps(run):
            proposal = body.get("proposal")
            if proposal and Design(proposal["source"]).id == entry.id:
                return run, step, proposal
    return None


def _costs(archive: Archive, entry: Entry, proposed: tuple[Run, str, Mapping[str, Any]] | None) -> Iterator[Cost]:
    """Of the step that it was written in, and of planting it where it was a seed."""
    for run in archive.journal.runs():
        written = proposed[1] if proposed and proposed[0] == run else ""
        yield from (cost for step, cost in archive.journal.costs(run) if step in (written, f"seed {entry.name}"))
