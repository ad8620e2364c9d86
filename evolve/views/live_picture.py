"""What the live view looks like: a scene in, something that rich can print out."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evolve.views.expenses import duration
from evolve.watching import STAGES, Outlook, Spending, Stage

BAR = 24
MOST_FLIGHTS = 12


@dataclass(frozen=True, slots=True)
class Flight:
    """A candidate in flight, in seconds of the clock `since` when; it has played `done` of the `total` of its stage."""

    step: str
    stage: Stage
    since: float
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be seen at the time `now`. `left` are seconds, None where nobody knows; `best` is empty at first."""

    outlook: Outlook | None
    through: int
    best: str
    flights: tuple[Flight, ...]
    spending: Spending
    elapsed: float
    left: float | None
    now: float


def picture(scene: Scene) -> RenderableType:
    """The view of a scene, some fifteen lines."""
    return Group(Text(), _overview(scene), Text(), *_in_flight(scene), _spent(scene.spending))


def _overview(scene: Scene) -> Table:
    grid = _grid()
    outlook = scene.outlook
    if outlook is None:
        grid.add_row("search", "", "opening the benchmark")
        return grid
    rounds = scene.through * outlook.rounds // outlook.steps if outlook.steps else 0
    told = f"{rounds} of {outlook.rounds} rounds, {scene.through} of {outlook.steps} candidates"
    grid.add_row("search", _bar(scene.through, outlook.steps), told)
    left = "" if scene.left is None else f", about {duration(scene.left)} left"
    grid.add_row("time", "", f"{duration(scene.elapsed)}{left}")
    grid.add_row("best", "", Text(scene.best or "nothing yet", style="green" if scene.best else "dim"))
    return grid


def _in_flight(scene: Scene) -> Iterable[RenderableType]:
    grid = _grid()
    for flight in scene.flights[:MOST_FLIGHTS]:
        style = "dim" if flight.stage == "waiting" else ""
        played = f" {flight.done} of {flight.total}" if flight.total else ""
        told = f"{flight.stage}{played}, {duration(scene.now - flight.since)}"
        grid.add_row(Text(flight.step), _stage_bar(flight), Text(told, style=style))
    if len(scene.flights) > MOST_FLIGHTS:
        grid.add_row("", "", Text(f"and {len(scene.flights) - MOST_FLIGHTS} more", style="dim"))
    if scene.flights:
        yield grid
        yield Text()


def _stage_bar(flight: Flight) -> ProgressBar:
    """The whole way of a candidate: each stage is one part of it."""
    stages = len(STAGES) - 1
    part = flight.done / flight.total if flight.total else 0.0
    return _bar(max(0.0, STAGES.index(flight.stage) - 1 + part), stages)


def _spent(spending: Spending) -> Table:
    grid = _grid()
    priced = f"{'at least ' if spending.unpriced else ''}${spending.dollars:,.2f}"
    for name, told, amount, most, ceiling in (
        ("calls", f"{spending.calls:,}", spending.calls, spending.most_calls, f"{spending.most_calls or 0:,}"),
        ("tokens", f"{spending.tokens:,}", spending.tokens, spending.most_tokens, f"{spending.most_tokens or 0:,}"),
        ("dollars", priced, spending.dollars, spending.most_dollars, f"${spending.most_dollars or 0:,.2f}"),
        ("episodes", f"{spending.episodes:,}", spending.episodes, spending.most_episodes,
         f"{spending.most_episodes or 0:,}"),
        ("at work", duration(spending.seconds), spending.seconds, spending.most_seconds,
         duration(spending.most_seconds or 0)),
    ):  # fmt: skip
        if most is not None:
            grid.add_row(name, _bar(amount, most), f"{told} of {ceiling}")
        elif amount and name != "at work":
            grid.add_row(name, "", told)
    return grid


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(min_width=10, no_wrap=True, style="bold")
    grid.add_column(width=BAR)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    return grid


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=total or 1, completed=min(done, total) if total else 0, width=BAR)
