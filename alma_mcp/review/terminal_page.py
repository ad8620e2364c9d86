"""A promotion request as a person reads it on a terminal.

Names, ideas and sources may have been written by a model that wants to be approved: they are shown
as plain text, with every character spelled out that a terminal would obey or that would reorder a line.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from alma_mcp.review.parts import Code, Domain, Example, Part, Shadow, Task, Tone, Verdict
from alma_mcp.review.review import Review, check_shown, doubts, review_of
from alma_mcp.visible_text import one_line

__all__ = ["check_shown", "doubts", "listing", "one_line", "page", "show"]

TASKS = 24
COLOURS: Mapping[Tone, str] = {"good": "green", "warn": "yellow", "bad": "red"}


def listing(requests: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The open requests, a line each."""
    if not requests:
        return "No promotion waits for a decision. `alma-evolve promote ID` requests one."
    table = Table("id", "design", "state", "evidence")
    for request in requests:
        state = one_line(request.get("state", ""))
        table.add_row(request["design"][:12], Text(one_line(request["name"])), Text(state), request["evidence"][:12])
    return table


def page(request: Mapping[str, Any]) -> RenderableType:
    """Everything a reviewer needs, the verdict first and, since a terminal shows its end, last as well."""
    review = review_of(request)
    return Group(
        _verdict(review),
        *map(_part, (review.states, review.claim, review.gate)),
        *_domains(review.domains),
        _part(review.controls),
        *_shadow(review.shadow),
        *map(_part, (review.beside, review.audit, review.permissions, review.lineage)),
        *_tasks(review.tasks),
        *_code(review.code),
        *map(_part, (review.hashes, review.commands)),
        Text(review.verdict.advice, style=f"bold {COLOURS[review.verdict.tone]}"),
    )


def _verdict(review: Review) -> Panel:
    title = Text(f"{review.title} ({review.short}) for {review.champion}")
    colour = COLOURS[review.verdict.tone]
    told = Text(review.verdict.advice, style=f"bold {colour}")
    return Panel(told.append("".join(f"\n{each}" for each in _reasons(review.verdict)), "not bold default"),
                 border_style=colour, title=title, subtitle=Text(review.verdict.word))  # fmt: skip


def _reasons(verdict: Verdict) -> Iterator[str]:
    yield from (f"AGAINST IT: {each.sentence} ({each.origin})" for each in verdict.against)
    yield from (f"For it: {each.sentence} ({each.origin})" for each in verdict.in_favour)


def _part(part: Part) -> RenderableType:
    lines = Text("\n".join(part.lines))
    if part.table is None:
        return Panel(lines, title=part.title)
    table = _table(part.table.columns, part.table.rows)
    return Panel(Group(*([lines] if part.lines else []), table), title=part.title)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _domains(domains: Sequence[Domain]) -> Iterator[RenderableType]:
    if not domains:
        return
    rows = [(each.name, each.tasks, each.challenger, each.champion, each.told, each.outcome) for each in domains]
    columns = ("kind", "tasks", "challenger", "champion", "difference [95 %]", "outcome")
    yield Panel(_table(columns, rows), title="Each kind of tasks")


def _tasks(tasks: Sequence[Task]) -> Iterator[RenderableType]:
    """The first tasks, which tell most; all of them are in the dashboard."""
    if not tasks:
        return
    rows = [(each.name, each.kind, each.challenger, each.champion, each.outcome) for each in tasks[:TASKS]]
    table = _table(("task", "kind", "challenger", "champion", "outcome"), rows)
    more = [Text(f"And {len(tasks) - TASKS:,} more: `alma-mcp dashboard`.")] if len(tasks) > TASKS else []
    yield Panel(Group(table, *more), title="Each task")


def _shadow(shadow: Shadow) -> Iterator[RenderableType]:
    yield _part(shadow.part)
    if shadow.examples:
        texts = [Text("\n".join(_example(each))) for each in shadow.examples]
        yield Panel(Group(*_apart(texts)), title="Your questions that differ most")


def _apart(texts: Sequence[Text]) -> Iterator[Text]:
    for number, text in enumerate(texts):
        yield from ([Text("")] if number else [])
        yield text


def _example(example: Example) -> Iterator[str]:
    yield f"? {example.question}"
    yield f"  {example.told}"
    yield from ([f"  {example.failed}"] if example.failed else [])
    yield from (f"  + {each.text} {each.id}" for each in example.appears)
    yield from (f"  - {each.text} {each.id}" for each in example.lost)


def _code(code: Code) -> Iterator[RenderableType]:
    old, new = code.old.split("\n"), code.new.split("\n")
    lines = difflib.unified_diff(old, new, code.old_name, code.new_name, lineterm="")
    yield Syntax("\n".join(lines), "diff", word_wrap=True)
    yield Panel(Syntax(code.new, "python", word_wrap=True, line_numbers=True), title="The whole code")


def show(renderable: RenderableType) -> None:
    """Print it, as wide as the terminal."""
    Console().print(renderable)
