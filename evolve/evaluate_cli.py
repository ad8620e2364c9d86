"""`alma-evolve evaluate`: score any design on any benchmark."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from rich.console import Console
from rich.table import Table

from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from evolve.benchmarks import SPLITS, Split
from evolve.evaluate import evaluate as play
from evolve.evaluation import Evaluation, Rejection, Verdict
from evolve.laboratory import BENCHMARKS, open_benchmark, open_laboratory
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
    *,
    as_json: bool,
) -> None:
    """Score DESIGN (a name, an id or a file) on a benchmark, beside its controls.

    The last line on standard output is one JSON object.
    """
    found = context.store.find(design)
    if mechanisms is not None:
        found = _only(found, [each.strip() for each in mechanisms.split(",")])

    async def run() -> Verdict:
        async with open_laboratory(context.store, context.home, embedder) as laboratory:
            with bar(f"{found.name} on {benchmark}") as progress:
                tasks = open_benchmark(benchmark, data, context.home, scopes)
                return await play(found, tasks, cast("Split", split), laboratory, controls=True, progress=progress)

    verdict = asyncio.run(run())
    if isinstance(verdict, Rejection):
        raise EvolveError(f"The design was rejected at {verdict.stage}: {verdict.reason}")
    if not as_json:
        Console(file=sys.stdout).print(_table(verdict))
    click.echo(json.dumps(verdict.summary()))


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
