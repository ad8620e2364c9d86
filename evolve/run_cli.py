"""`alma-evolve run`: search for better designs."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from alma_mcp.errors import EvolveError
from alma_mcp.toolkit import OpenAICompleter
from evolve.archive import Archive
from evolve.benchmarks import BENCHMARKS, Benchmark, BenchmarkName
from evolve.budget import Budget
from evolve.config import ProposerSettings, SearchSettings, load_search
from evolve.evaluated_memory import Laboratory
from evolve.laboratory import completer_of, open_benchmark, open_laboratory
from evolve.play_options import play_options
from evolve.progress import bar
from evolve.propose import Proposer
from evolve.proposers.command import Command
from evolve.proposers.openai import OpenAI
from evolve.proposers.recombine import Recombine
from evolve.search import Watcher
from evolve.search import search as run_search
from evolve.show_cli import show_table, told

if TYPE_CHECKING:
    from evolve.cli import Context

API_KEY_VARIABLE = "ALMA_EVOLVE_API_KEY"
CONFIGURATION = click.option(
    "--config", "configuration", type=click.Path(path_type=Path), required=True, help="configs/evolve/ has examples."
)
DATA = click.option("--data", type=click.Path(path_type=Path), help="Instead of the data that the file names.")


@click.command()
@click.option("--config", "configuration", type=click.Path(path_type=Path), help="configs/evolve/ has examples.")
@click.option(
    "--benchmark",
    "--task-type",
    "--task_type",
    "benchmark",
    type=click.Choice(BENCHMARKS),
    help="Instead of a file: search on this benchmark, with the options below.",
)
@click.option("--meta-model", "--meta_model", "meta_model", help="Who writes the designs, as NAME/EFFORT.")
@click.option("--rounds", "--steps", "rounds", type=click.IntRange(min=1), default=5, show_default=True)
@DATA
@play_options
@click.pass_obj
def run(
    context: "Context",
    configuration: Path | None,
    benchmark: BenchmarkName | None,
    meta_model: str | None,
    rounds: int,
    data: Path | None,
    play: Mapping[str, Any],
) -> None:
    """Search for better designs; an unfinished run of the same configuration goes on where it was."""
    settings = _settings(configuration, benchmark, meta_model, data, play)
    if settings.play.status != "train":
        raise EvolveError(
            f"A search plays the games of train, not of {settings.play.status}; `alma-evolve evaluate` scores a design."
        )

    async def work() -> str:
        with Archive(context.home.archive, context.store) as archive, watching() as watcher:
            async with open_both(settings, context) as (benchmark, laboratory):
                await run_search(settings, rounds, archive, benchmark, laboratory, make_proposer(settings), watcher)
                return benchmark.name

    show_table(context, asyncio.run(work()))


def _settings(
    configuration: Path | None,
    benchmark: BenchmarkName | None,
    meta_model: str | None,
    data: Path | None,
    play: Mapping[str, Any],
) -> SearchSettings:
    """The settings of a file, or of the options that stand for one; either way with what was said of playing."""
    if configuration and not benchmark:
        settings = settings_of(configuration, data)
    elif benchmark and not configuration:
        settings = SearchSettings(benchmark=benchmark, data=data)
    else:
        raise EvolveError("Name either a file, with --config, or a benchmark, with --task-type.")
    if meta_model:
        proposer = ProposerSettings(kind="openai", model=meta_model)
        settings = settings.model_copy(update={"proposer": proposer})
    return settings.model_copy(update={"play": settings.play.model_copy(update=dict(play))})


def settings_of(configuration: Path, data: Path | None) -> SearchSettings:
    """The settings of a file, with the data that the command line names."""
    settings = load_search(configuration)
    return settings.model_copy(update={"data": data}) if data else settings


@asynccontextmanager
async def open_both(settings: SearchSettings, context: "Context") -> AsyncIterator[tuple[Benchmark, Laboratory]]:
    """The benchmark and the laboratory of a configuration."""
    data, scopes = settings.data, settings.scopes
    async with open_benchmark(settings.benchmark, data, context.home, scopes, settings.play) as benchmark:
        completer = completer_of(benchmark)
        async with open_laboratory(context.store, context.home, settings.embedder, completer) as laboratory:
            yield benchmark, laboratory


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
