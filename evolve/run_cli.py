"""`alma-evolve run`, `list` and `show`: search, and look at what was found."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from alma_mcp.design_store import SHORT
from alma_mcp.toolkit import OpenAICompleter
from evolve.archive import Archive
from evolve.benchmarks import BENCHMARKS
from evolve.budget import Budget
from evolve.config import SearchSettings, load_search
from evolve.evaluation import Evaluation, Rejection, Verdict
from evolve.laboratory import open_benchmark, open_laboratory
from evolve.progress import bar
from evolve.propose import Proposer
from evolve.proposers.command import Command
from evolve.proposers.openai import OpenAI
from evolve.proposers.recombine import Recombine
from evolve.search import Watcher
from evolve.search import search as run_search

if TYPE_CHECKING:
    from evolve.cli import Context

API_KEY_VARIABLE = "ALMA_EVOLVE_API_KEY"
CONFIGURATION = click.option(
    "--config", "configuration", type=click.Path(path_type=Path), required=True, help="configs/evolve/ has examples."
)
DATA = click.option("--data", type=click.Path(path_type=Path), help="Instead of the data that the file names.")


@click.command()
@CONFIGURATION
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@DATA
@click.pass_obj
def run(context: "Context", configuration: Path, rounds: int, data: Path | None) -> None:
    """Search for better designs; an unfinished run of the same configuration goes on where it was."""
    settings = settings_of(configuration, data)

    async def work() -> None:
        benchmark = open_benchmark(settings.benchmark, settings.data, context.home, settings.scopes)
        with Archive(context.home.archive, context.store) as archive, watching() as watcher:
            async with open_laboratory(context.store, context.home, settings.embedder) as laboratory:
                await run_search(settings, rounds, archive, benchmark, laboratory, make_proposer(settings), watcher)

    asyncio.run(work())
    show_table(context, settings.benchmark)


@click.command("list")
@click.option("--benchmark", type=click.Choice(BENCHMARKS), default="locomo", show_default=True)
@click.pass_obj
def list_designs(context: "Context", benchmark: str) -> None:
    """The designs of the archive, best first, with their intervals."""
    show_table(context, benchmark)


@click.command()
@click.argument("design")
@click.pass_obj
def show(context: "Context", design: str) -> None:
    """One design: its hypothesis, where it came from, what became of it, its code."""
    with Archive(context.home.archive, context.store) as archive:
        entry = archive.entry(design)
        console = Console()
        console.print(f"{entry.name} ({entry.id}), by {entry.proposer}")
        console.print(f"Hypothesis: {entry.hypothesis or 'none stated'}")
        console.print(f"Parents: {', '.join(parent[:SHORT] for parent in entry.parents) or 'none'}")
        for benchmark in BENCHMARKS:
            for split in ("search", "validation"):
                if verdict := archive.verdict(entry.id, benchmark, split):
                    console.print(f"{benchmark}, {split}: {told(verdict)}")
        console.print(Syntax(archive.design(entry).source, "python", word_wrap=True))


def settings_of(configuration: Path, data: Path | None) -> SearchSettings:
    """The settings of a file, with the data that the command line names."""
    settings = load_search(configuration)
    return settings.model_copy(update={"data": data}) if data else settings


def make_proposer(settings: SearchSettings) -> Proposer:
    """The proposer that a configuration names."""
    chosen = settings.proposer
    match chosen.kind:
        case "recombine":
            return Recombine()
        case "command":
            return Command(chosen.command, chosen.seconds)
        case "openai":
            completer = OpenAICompleter(chosen.model, chosen.base_url, os.environ.get(API_KEY_VARIABLE, ""))
            return OpenAI(completer, Budget(settings.budget.calls, settings.budget.tokens))


@contextmanager
def watching() -> Iterator[Watcher]:
    """A person who looks on: a bar for what is worked on, a line for what is done, on standard error."""
    console = Console(stderr=True)
    with bar("starting") as report:
        yield Watcher(report.title, report, lambda title, verdict: console.print(f"{title}: {told(verdict)}"))


def told(verdict: Verdict) -> str:
    """A verdict in one line."""
    match verdict:
        case Evaluation():
            return f"{verdict.name} scores {verdict.score} {verdict.primary}"
        case Rejection():
            return f"rejected at {verdict.stage}: {verdict.reason}"


def show_table(context: "Context", benchmark: str) -> None:
    """The archive as a table, best first; rejected designs last."""
    table = Table(title=f"{benchmark}, search split", box=box.SIMPLE)
    for heading in ("id", "design", "score [95 %]", "tokens", "p95 ms"):
        table.add_column(heading, no_wrap=True)
    with Archive(context.home.archive, context.store) as archive:
        rows = [(entry, archive.verdict(entry.id, benchmark, "search")) for entry in archive.entries()]
    for entry, verdict in sorted(rows, key=lambda row: -row[1].score.mean if isinstance(row[1], Evaluation) else 1):
        match verdict:
            case Evaluation():
                figures = (str(verdict.score), f"{verdict.tokens:,.0f}", f"{verdict.latency_ms(0.95):.1f}")
            case Rejection():
                figures = (f"rejected at {verdict.stage}", "", "")
            case None:
                figures = ("not evaluated", "", "")
        table.add_row(entry.id[:SHORT], entry.name, *figures)
    Console().print(table)
