"""What the live view looks like: a scene in, something that rich can print out."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evolve.views.expenses import duration
from evolve.views.scene import STAGES_OF_A_WAY, Scene, gauges
from evolve.watching import Spending

BAR = 24
MOST_FLIGHTS = 12


def picture(scene: Scene) -> RenderableType:
    """The view of a scene, some fifteen lines."""
    return Group(Text(), _overview(scene), Text(), *_in_flight(scene), _spent(scene.spending))


def _overview(scene: Scene) -> Table:
    grid = _grid()
    outlook = scene.outlook
    if outlook is None:
        grid.add_row("search", "", scene.told)
        return grid
    grid.add_row("search", _bar(scene.through, outlook.steps), scene.told)
    grid.add_row("time", "", scene.time)
    grid.add_row("best", "", Text(scene.best or "nothing yet", style="green" if scene.best else "dim"))
    return grid


def _in_flight(scene: Scene) -> Iterable[RenderableType]:
    grid = _grid()
    for flight in scene.flights[:MOST_FLIGHTS]:
        style = "dim" if flight.stage == "waiting" else ""
        told = f"{flight.told}, {duration(scene.now - flight.since)}"
        grid.add_row(Text(flight.step), _bar(flight.way, STAGES_OF_A_WAY), Text(told, style=style))
    if len(scene.flights) > MOST_FLIGHTS:
        grid.add_row("", "", Text(f"and {len(scene.flights) - MOST_FLIGHTS} more", style="dim"))
    if scene.flights:
        yield grid
        yield Text()


def _spent(spending: Spending) -> Table:
    grid = _grid()
    for gauge in gauges(spending):
        grid.add_row(gauge.name, "" if gauge.most is None else _bar(gauge.amount, gauge.most), gauge.told)
    return grid


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(min_width=10, no_wrap=True, style="bold")
    grid.add_column(width=BAR)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    return grid


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=total or 1, completed=min(done, total) if total else 0, width=BAR)
