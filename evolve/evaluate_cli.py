"""`alma-evolve evaluate`: score any design on any benchmark."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from rich.console import Console
from rich.table import Table

from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from evolve.benchmarks import BENCHMARKS, SPLITS, Benchmark, Split
from evolve.compare import compare
from evolve.evaluate import Laboratory
from evolve.evaluate import evaluate as play
from evolve.evaluation import Evaluation, Rejection
from evolve.laboratory import open_benchmark, open_laboratory
from evolve.mechanisms import join, read_recipe
from evolve.progress import bar

if TYPE_CHECKING:
    from evolve.cli import Context


@click.command()
@click.argument("design")
@click.option("--benchmark", type=click.Choice(BENCHMARKS), required=True)
@click.option("--data", type=click.Path(path_type=Path), help="Where its data lies; for replay a home.")
@click.option("--split", type=click.Choice(SPLITS), default="search", show_default=True)
@click.option("--embedder", default="onnx", show_default=True, help="As in configs/serve.toml.")
@click.option("--scopes", type=click.IntRange(min=1), help="At most this many conversations, for a quick look.")
@click.option("--mechanisms", help="Only these of a RankedMemory's mechanisms, comma-separated: what is each worth?")
@click.option("--against", metavar="DESIGN", help="A second design on the same tasks, and the difference, in pairs.")
@click.option("--json", "as_json", is_flag=True, help="No table, only the last line.")
@click.pass_obj
def evaluate(
    context: "Context",
    design: str,
    benchmark: str,
    data: Path | None,
    split: str,
    embedder: str,
    scopes: int | None,
    mechanisms: str | None,
    against: str | None,
    *,
    as_json: bool,
) -> None:
    """Score DESIGN (a name, an id or a file) on a benchmark, beside its controls.

    The last line on standard output is one JSON object.
    """
    found = context.store.find(design)
    if mechanisms is not None:
        found = _only(found, [each.strip() for each in mechanisms.split(",")])

    other = context.store.find(against) if against else None

    async def run() -> list[Evaluation]:
        async with open_laboratory(context.store, context.home, embedder) as laboratory:
            tasks = open_benchmark(benchmark, data, context.home, scopes)
            return [
                await _played(each, tasks, cast("Split", split), laboratory)
                for each in (found, other)
                if each is not None
            ]

    evaluation, *others = asyncio.run(run())
    difference = _difference(evaluation, others[0]) if others else None
    if not as_json:
        console = Console(file=sys.stdout)
        for each in (evaluation, *others):
            console.print(_table(each))
        if difference:
            console.print(_sentence(evaluation, difference))
    click.echo(json.dumps(evaluation.summary() | ({"against": difference} if difference else {})))


async def _played(design: Design, tasks: Benchmark, split: Split, laboratory: Laboratory) -> Evaluation:
    with bar(f"{design.name} on {tasks.name}") as progress:
        verdict = await play(design, tasks, split, laboratory, controls=True, progress=progress)
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
    table = Table("metric", "mean", "95 % interval", title=f"{evaluation.name}, {summary['tasks']} tasks")
    for name, value in summary["metrics"].items():
        table.add_row(name, f"{value['mean']:.3f}", f"{value['low']:.3f} to {value['high']:.3f}")
    for name, score in summary["controls"].items():
        table.add_row(f"control: {name}", f"{score:.3f}", "")
    latency = summary["latency_ms"]
    table.add_row("tokens returned", f"{summary['tokens']:,.0f}", "")
    table.add_row("latency, ms", f"{latency['p50']}", f"p95 {latency['p95']}")
    return table
