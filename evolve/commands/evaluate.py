"""`alma-evolve evaluate`: score any design on any benchmark."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from alma_mcp.home import Home
from evolve.benchmarks import BENCHMARKS, SPLITS, Benchmark, BenchmarkName, Split
from evolve.benchmarks.episodic import Episodic
from evolve.commands.play_options import one_name, play_options
from evolve.compare import compare
from evolve.config import PlaySettings
from evolve.endpoints.prices import PUBLISHED, Prices, in_words, load_prices
from evolve.episodes import Episodes
from evolve.evaluate import evaluate as measure
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Evaluation, Rejection
from evolve.laboratory import completer_of, model_of, open_benchmark, open_laboratory
from evolve.mechanisms import join, read_recipe
from evolve.progress import bar

if TYPE_CHECKING:
    from evolve.cli import Context


@click.command()
@click.argument("design", required=False)
@click.option("--benchmark", "--task-type", "--task_type", "benchmark", type=click.Choice(BENCHMARKS), required=True)
@click.option("--memo-sha", "--memo_sha", "--memo_SHA", "memo_sha", help="DESIGN, as the original names it.")
@click.option("--data", type=click.Path(path_type=Path), help="Where its data lies; for replay a home.")
@click.option("--split", type=click.Choice(SPLITS), help="search, or all where games are played to evaluate.")
@click.option("--embedder", default="onnx", show_default=True, help="As in configs/serve.toml.")
@click.option("--scopes", type=click.IntRange(min=1), help="At most so many conversations or games, for a quick look.")
@click.option("--mechanisms", help="Only these of a RankedMemory's mechanisms, comma-separated: what is each worth?")
@click.option("--against", metavar="DESIGN", help="A second design on the same tasks, and the difference, in pairs.")
@click.option("--prices", type=click.Path(path_type=Path), default=PUBLISHED, help="Your own table of token prices.")
@click.option("--no-controls", is_flag=True, help="Do not play what a score is measured beside.")
@click.option("--meta-model", "--meta_model", "meta_model", hidden=True, help="As in the original: not used here.")
@click.option("--json", "as_json", is_flag=True, help="No table, only the last line.")
@play_options
@click.pass_obj
def evaluate(
    context: "Context",
    design: str | None,
    benchmark: BenchmarkName,
    memo_sha: str | None,
    data: Path | None,
    split: Split | None,
    embedder: str,
    scopes: int | None,
    mechanisms: str | None,
    against: str | None,
    prices: Path,
    *,
    no_controls: bool,
    meta_model: str | None,  # noqa: ARG001 - the search's
    as_json: bool,
    play: Mapping[str, Any],
) -> None:
    """Score DESIGN (a name, an id or a file) on a benchmark, beside its controls.

    The last line on standard output is one JSON object.
    """
    found = context.store.find(one_name(design, memo_sha))
    if mechanisms is not None:
        found = _only(found, [each.strip() for each in mechanisms.split(",")])
    designs = [found, *([context.store.find(against)] if against else [])]
    settings = PlaySettings(**play)
    table = load_prices(prices)
    part: Split = split or ("all" if settings.status.startswith("eval") else "search")

    async def run() -> tuple[list[Evaluation], list[str]]:
        async with open_benchmark(benchmark, data, context.home, scopes, settings) as tasks:
            completer = completer_of(tasks)
            async with open_laboratory(
                context.store, context.home, embedder, completer, model_of(settings)
            ) as laboratory:
                played = [await _played(each, tasks, part, laboratory, controls=not no_controls) for each in designs]
                return played, tasks.notes() if isinstance(tasks, Episodic) else []

    (evaluation, *others), notes = asyncio.run(run())
    difference = _difference(evaluation, others[0]) if others else None
    if not as_json:
        console = Console(file=sys.stdout)
        for each in (evaluation, *others):
            console.print(_table(each))
            if each.unanswered:
                console.print(f"{each.name} asked a model {each.unanswered} times and had none: this is its fallback.")
        if difference:
            console.print(_sentence(evaluation, difference))
        for line in (*notes, *_played_by(evaluation, context.home, settings.agent, table)):
            console.print(line)
    click.echo(json.dumps(evaluation.summary() | ({"against": difference} if difference else {})))


async def _played(
    design: Design, tasks: Benchmark, split: Split, laboratory: Laboratory, *, controls: bool
) -> Evaluation:
    with bar(f"{design.name} on {tasks.name}") as progress:
        verdict = await measure(design, tasks, split, laboratory, controls=controls, progress=progress)
    if isinstance(verdict, Rejection):
        raise EvolveError(f"{design.name} was rejected at {verdict.stage}: {verdict.reason}")
    return verdict


def _difference(evaluation: Evaluation, other: Evaluation) -> dict[str, Any]:
    """The primary metric of the first minus that of the second, task by task."""
    found = compare(evaluation.scores, other.scores, evaluation.clusters)
    return {"name": other.name, "design": other.design, **asdict(found), "difference": found.difference.model_dump()}


def _sentence(evaluation: Evaluation, difference: dict[str, Any]) -> str:
    value = difference["difference"]
    return (
        f"{evaluation.name} minus {difference['name']}, {evaluation.primary}: {value['mean']:+.3f}"
        f" ({value['low']:+.3f} to {value['high']:+.3f}); {difference['wins']} tasks won, {difference['ties']} tied,"
        f" {difference['losses']} lost."
    )


def _played_by(evaluation: Evaluation, home: Home, agent: str, prices: Prices) -> list[str]:
    """What the agent cost, and where the trajectories are: the worst and the best of them, to look at."""
    traced = sorted((each for each in evaluation.results if each.trace), key=lambda each: each.metrics["score"])
    if not traced:
        return []
    spent = [int(sum(each.metrics[name] for each in traced)) for name in ("agent_tokens_in", "agent_tokens_out")]
    cost = f"{in_words(prices.dollars(agent, *spent))} by prices of {prices.date}" if any(spent) else "no model"
    looks = {"the worst": traced[0].trace, "the best": traced[-1].trace}
    told = "; ".join(f"{which}: alma-evolve show {trace}" for which, trace in looks.items())
    return [
        f"{len(traced)} episodes by {agent}: {spent[0]:,} tokens in, {spent[1]:,} out, {cost}.",
        f"They are in {Episodes(home.episodes).path(evaluation.benchmark)}. Look at {told}",
    ]


def _only(design: Design, mechanisms: Sequence[str]) -> Design:
    """The design with these of its mechanisms alone, in its own order: later ones order what earlier ones found."""
    try:
        recipe = read_recipe(design.source)
    except SyntaxError as error:
        raise EvolveError(f"{design.name} is not Python: {error}.") from error
    if recipe is None:
        raise EvolveError(
            f"{design.name} is no RankedMemory with literal weights: it has no mechanisms to choose from."
        )
    if unknown := [each for each in mechanisms if each not in recipe.weights]:
        raise EvolveError(f"{design.name} has no mechanism {unknown[0]!r}; it has: {', '.join(recipe.weights)}.")
    weights = {each: weight for each, weight in recipe.weights.items() if each in mechanisms}
    listed = ", ".join(weights)
    name = f"{design.name}[{listed}]"
    source = join(weights, dict.fromkeys(weights, recipe), recipe, name, f"Of {design.name} only {listed}.")
    return Design(source, name)


def _table(evaluation: Evaluation) -> Table:
    summary = evaluation.summary()
    title = f"{evaluation.name} on {evaluation.benchmark}, {summary['tasks']} tasks"
    table = Table("metric", "mean", "95 % interval", title=title)
    for name, value in summary["metrics"].items():
        table.add_row(name, f"{value['mean']:.3f}", f"{value['low']:.3f} to {value['high']:.3f}")
    for name, score in summary["controls"].items():
        table.add_row(f"control: {name}", f"{score:.3f}", "")
    for name, gain in summary["gains"].items():
        table.add_row(f"gain over {name}", f"{gain['mean']:+.3f}", f"{gain['low']:+.3f} to {gain['high']:+.3f}")
    latency = summary["latency_ms"]
    if evaluation.missing:
        table.add_row("missing: lost by the machine", f"{len(evaluation.missing)}", "")
    table.add_row("tokens returned", f"{summary['tokens']:,.0f}", "")
    table.add_row("latency, ms", f"{latency['p50']}", f"p95 {latency['p95']}")
    return table
