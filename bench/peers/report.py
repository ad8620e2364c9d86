"""The lines as a table in the terminal, in Markdown, and as JSON."""

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.peers.line import Line
from bench.peers.ratios import percentile, targets

NOTHING = "-"


def write_json(lines: Sequence[Line], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([line.as_json() for line in lines], indent=1) + "\n")


def read_json(path: Path) -> list[Line]:
    """Raises `OSError` or `ValueError` for a file that is no result."""
    return [Line.from_json(told) for told in json.loads(path.read_text())]


def show(lines: Sequence[Line], console: Console) -> None:
    """Print the table, the targets and the failures."""
    table = Table(title="milliseconds, unless said otherwise")
    table.add_column("")
    for line in lines:
        table.add_column(f"{line.peer}\n{line.version}", justify="right")
    for name, cells in rows(lines):
        table.add_row(name, *cells)
    console.print(table)
    for sentence in sentences(lines):
        console.print(f"- {sentence}", markup=False, highlight=False)


def markdown(lines: Sequence[Line]) -> str:
    """The same as Markdown."""
    head = ["| milliseconds, unless said otherwise |", *(f" {line.peer} {line.version} |" for line in lines)]
    body = [f"| {name} | {' | '.join(cells)} |" for name, cells in rows(lines)]
    table = ["".join(head), "|---|" + "---|" * len(lines), *body]
    return "\n".join([*table, "", *(f"- {sentence}" for sentence in sentences(lines))]) + "\n"


def rows(lines: Sequence[Line]) -> list[tuple[str, list[str]]]:
    """The table without its head: a name and a cell for each server."""
    shown: list[tuple[str, Callable[[Line], str]]] = [
        ("cold start to `tools/list`", lambda line: _median(line.to_tools.get("cold"))),
        ("warm start to `tools/list`", lambda line: _median(line.to_tools.get("warm"))),
        ("cold start to the first answered search", lambda line: _median(line.to_search.get("cold"))),
        ("warm start to the first answered search", lambda line: _median(line.to_search.get("warm"))),
        ("tools / tokens of the list", lambda line: f"{line.tools} / {line.tokens:,}" if line.tools else NOTHING),
        ("first store", lambda line: f"{line.first_store:,.0f}" if line.first_store is not None else NOTHING),
    ]
    for size in sorted({size for line in lines for size in line.sizes}):
        shown += _rows_at(size)
    shown += [
        ("MB with 1 / 4 sessions (RSS)", lambda line: _held(line.resident)),
        ("MB with 1 / 4 sessions (PSS)", lambda line: _held(line.proportional)),
        ("two writers: writes acknowledged / errors", _acknowledged),
        ("two writers: acknowledged and lost / found again", _kept),
    ]
    return [(name, [cell(line) for line in lines]) for name, cell in shown]


def sentences(lines: Sequence[Line]) -> list[str]:
    """What was aimed at, what each server ran with, and what failed and why."""
    return [
        *(f"{target.aim}: {target.verdict}." for target in targets(lines)),
        *(f"{line.peer} ran with {line.ran_with}." for line in lines),
        *(f"{line.peer}, {part}: {reason}" for line in lines for part, reason in line.failures.items()),
    ]


def _rows_at(size: int) -> list[tuple[str, Callable[[Line], str]]]:
    def times(line: Line, of: str) -> str:
        found: list[float] = getattr(line.sizes.get(size), of, [])
        return f"{percentile(found, 50):,.1f} / {percentile(found, 95):,.1f}" if found else NOTHING

    def hits(line: Line) -> str:
        figures = line.sizes.get(size)
        return f"{figures.hit_rate:.3f}" if figures and figures.searches else NOTHING

    def stored(line: Line) -> str:
        figures = line.sizes.get(size)
        return f"{figures.asked:,} / {figures.refused:,} / {figures.filling:,.0f}" if figures else NOTHING

    return [
        (f"{size:,}: notes stored / refused / seconds it took", stored),
        (f"{size:,}: search p50 / p95", lambda line: times(line, "searches")),
        (f"{size:,}: hit@5", hits),
        (f"{size:,}: store p50 / p95", lambda line: times(line, "stores")),
    ]


def _median(times: Sequence[float] | None) -> str:
    return f"{statistics.median(times):,.0f}" if times else NOTHING


def _held(held: dict[int, float]) -> str:
    return " / ".join(f"{held[count]:,.0f}" if count in held else NOTHING for count in (1, 4))


def _acknowledged(line: Line) -> str:
    return f"{line.writers.acknowledged} of {line.writers.writes} / {line.writers.errors}" if line.writers else NOTHING


def _kept(line: Line) -> str:
    return f"{line.writers.lost} / {line.writers.found}" if line.writers else NOTHING
