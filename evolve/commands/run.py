"""`alma-evolve run` and `stop`: search for better designs."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alma_mcp.errors import EvolveError
from evolve.archive import Archive
from evolve.at_work import ask_to_stop, stop_file
from evolve.benchmarks import BENCHMARKS, Benchmark, BenchmarkName
from evolve.commands.alone import alone
from evolve.commands.json_option import json_option, say_json
from evolve.commands.play_options import play_options
from evolve.commands.show import show_table
from evolve.config import ProposerSettings, RunnerSettings, SearchSettings, load_search
from evolve.endpoints.prices import PUBLISHED, load_prices
from evolve.estimate import estimate
from evolve.evaluated_memory import Laboratory
from evolve.laboratory import completer_of, model_of, open_benchmark, open_laboratory
from evolve.meta.witness import witnessing
from evolve.proposers.choose import make_proposer
from evolve.runners.choose import RUNNERS, open_runner
from evolve.search import Means, search
from evolve.views.live import LiveView
from evolve.views.posting import posting
from evolve.views.report import report_data, report_lines

if TYPE_CHECKING:
    from evolve.cli import Context

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
@click.option("--runner", type=click.Choice(RUNNERS), help="Where candidates are played.")
@click.option("--address", help="Of the Ray cluster: HOST:PORT.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost at most, and ask whether to begin.")
@json_option
@DATA
@play_options
@click.pass_obj
def run(
    context: "Context",
    configuration: Path | None,
    benchmark: BenchmarkName | None,
    meta_model: str | None,
    rounds: int,
    runner: str | None,
    address: str | None,
    data: Path | None,
    play: Mapping[str, Any],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Search for better designs; an unfinished run of the same configuration goes on where it was.

    Ctrl-C ends it at once, `alma-evolve stop` once what is in flight is through; the same command goes on.
    """
    settings = _settings(configuration, benchmark, meta_model, data, play)
    if settings.play.status != "train":
        raise EvolveError(
            f"A search plays the games of train, not of {settings.play.status}; `alma-evolve evaluate` scores a design."
        )
    said = {"kind": runner, "address": address}
    where = settings.runner.model_copy(update={name: value for name, value in said.items() if value})
    settings = settings.model_copy(update={"runner": where})

    async def work() -> None:
        with alone(context), Archive(context.home.archive, context.store) as archive:
            if dry_run and not await _wanted(settings, rounds, context, archive, as_json=as_json):
                return
            async with open_means(settings, context, archive) as means:
                view = LiveView(known=lambda name: archive.scores(name).values())
                with view, posting(view, context.home) as watcher:
                    done = await search(settings, rounds, means, watcher)
                if as_json:
                    say_json(report_data(archive, done))
                    return
                show_table(context, done.benchmark)
                for line in report_lines(archive, done):
                    click.echo(line)

    asyncio.run(work())


@click.command()
@click.pass_obj
def stop(context: "Context") -> None:
    """End a running search once what is in flight is through; `alma-evolve run` goes on with it."""
    click.echo(f"The search of process {ask_to_stop(context.home)} ends once what is in flight is through.")


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
    data, scopes, play = settings.data, settings.scopes, settings.play
    async with open_benchmark(settings.benchmark, data, context.home, scopes, play) as benchmark:
        opening = open_laboratory(
            context.store, context.home, settings.embedder, completer_of(benchmark), model_of(play)
        )
        async with opening as laboratory:
            yield benchmark, laboratory


@asynccontextmanager
async def open_means(settings: SearchSettings, context: "Context", archive: Archive) -> AsyncIterator[Means]:
    """All that a search of this configuration works with."""
    prices = load_prices(settings.prices or PUBLISHED)
    stop_file(context.home).unlink(missing_ok=True)
    async with open_both(settings, context) as (benchmark, laboratory):
        chosen = settings.runner
        opening = open_runner(
            chosen.kind, settings, context.home, benchmark, laboratory, address=chosen.address, width=chosen.width
        )
        async with opening as runner:
            seen = witnessing(benchmark, laboratory, context.home)
            proposer = make_proposer(settings.proposer, prices)
            told = None if settings.proposer.kind == "recombine" else seen
            yield Means(archive, benchmark, laboratory, runner, proposer, prices, told, stop_file(context.home).exists)


async def _wanted(
    settings: SearchSettings, rounds: int, context: "Context", archive: Archive, *, as_json: bool
) -> bool:
    """Whether a person, told what it would cost, wants the search to begin; nobody is asked where nobody can answer."""
    here = settings.model_copy(update={"runner": RunnerSettings()})
    async with open_means(here, context, archive) as means:
        costs = estimate(settings, rounds, means)
    if as_json:
        say_json(asdict(costs))
        return False
    click.echo(str(costs))
    return sys.stdin.isatty() and click.confirm("Begin?", default=False)
