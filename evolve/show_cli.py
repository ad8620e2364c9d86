"""`alma-evolve list` and `show`: look at what was found, and at how it was played."""

from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from alma_mcp.design_store import SHORT
from alma_mcp.errors import DesignUnknown, EvolveError
from evolve.archive import Archive, Entry
from evolve.episode import Episode
from evolve.episodes import Episodes
from evolve.evaluation import Evaluation, Rejection, Verdict

if TYPE_CHECKING:
    from evolve.cli import Context

MEMORY_LINES = 4


@click.command("list")
@click.option("--benchmark", default="locomo", show_default=True, help="Its name, or the beginning of it.")
@click.pass_obj
def list_designs(context: "Context", benchmark: str) -> None:
    """The designs of the archive, best first, with their intervals."""
    with Archive(context.home.archive, context.store) as archive:
        names = archive.benchmarks(benchmark)
    for name in names or [benchmark]:
        show_table(context, name)


@click.command()
@click.argument("design_or_episode", metavar="DESIGN|EPISODE")
@click.option("--memory", "whole", is_flag=True, help="All that memory returned before an episode.")
@click.pass_obj
def show(context: "Context", design_or_episode: str, *, whole: bool) -> None:
    """A design: its hypothesis, its parents, what became of it, its code. An episode: what was seen and done."""
    console = Console()
    with Archive(context.home.archive, context.store) as archive:
        try:
            _show_design(console, archive, archive.entry(design_or_episode))
        except DesignUnknown as unknown:
            try:
                episode = Episodes(context.home.episodes).find(design_or_episode)
            except EvolveError as neither:
                raise DesignUnknown(f"{unknown} {neither}") from None
            _show_episode(console, episode, None if whole else MEMORY_LINES)


def told(verdict: Verdict) -> str:
    """A verdict in one line."""
    match verdict:
        case Evaluation():
            return f"{verdict.name} scores {verdict.score} {verdict.primary}"
        case Rejection():
            return f"rejected at {verdict.stage}: {verdict.reason}"


def _show_design(console: Console, archive: Archive, entry: Entry) -> None:
    console.print(f"{entry.name} ({entry.id}), by {entry.proposer}")
    console.print(f"Hypothesis: {entry.hypothesis or 'none stated'}")
    console.print(f"Parents: {', '.join(parent[:SHORT] for parent in entry.parents) or 'none'}")
    for benchmark, split, verdict in archive.verdicts(entry.id):
        console.print(f"{benchmark}, {split}: {told(verdict)}")
    console.print(Syntax(archive.design(entry).source, "python", word_wrap=True))


def _show_episode(console: Console, episode: Episode, lines: int | None) -> None:
    game = episode.game
    ended = f"{'won' if episode.won else 'not won'} in {len(episode.steps)} steps, score {episode.score:.2f}"
    console.print(Text(f"{game.domain}: {game.name}, level seed {game.seed}", style="bold"))
    console.print(Text(f"Played by {episode.agent} (seed {episode.seed}): {ended}, {episode.seconds:.1f} s,"))
    console.print(Text(f"{episode.tokens_in:,} tokens in, {episode.tokens_out:,} out."))
    console.print(Text(f"Goal: {episode.goal}"))
    for number, text in enumerate(episode.retrieved, start=1):
        told = text.splitlines()
        left = len(told) - len(told[:lines])
        console.print(Text(f"Memory {number}" + (f" (and {left} more lines; --memory)" if left else ""), style="bold"))
        console.print(Padding(Text("\n".join(told[:lines]), style="dim"), (0, 4)))
    if not episode.retrieved:
        console.print(Text("Memory returned nothing.", style="dim"))
    console.print(Padding(Text(episode.first), (1, 0)))
    for number, step in enumerate(episode.steps, start=1):
        console.print(Text(f"{number:3} > {step.action}", style="bold red" if step.problem else "bold"))
        console.print(Padding(Text(step.observation), (0, 6)))


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
