"""`alma-evolve simulate`: compare the samplers, and try the gate, where the truth is known."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from alma_mcp.evidence.dossier import Interval
from evolve.cascade import CascadeSettings
from evolve.compare import interval
from evolve.progress import bar
from evolve.selection import SAMPLERS
from evolve.simulation import TERRAINS, planted, search
from evolve.simulation.cascade import HELD_OUT, STREAMS, judged_twice, saving, streams
from evolve.simulation.gate import champion_against_itself, false_promotion, power

CONTROL = "iid"
SIMULATIONS = 1000
EFFECT = 0.10

Qualities = Mapping[str, Mapping[str, Sequence[float]]]


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=120, show_default=True, help="Landscapes of each terrain.")
@click.option("--budget", type=click.IntRange(1), default=60, show_default=True, help="Proposals of a search.")
@click.option("--json", "as_json", is_flag=True, help="No table, only the last line.")
def simulate(seeds: int, budget: int, *, as_json: bool) -> None:
    """What each sampler finds at equal cost, and what the gate lets through, on planted landscapes.

    Needs no data and no model; the same seeds give the same figures.
    """
    found: dict[str, dict[str, list[float]]] = {terrain: {name: [] for name in SAMPLERS} for terrain in TERRAINS}
    with bar("searching") as progress:
        for done, (terrain, name, quality) in enumerate(_searched(seeds, budget), start=1):
            found[terrain][name].append(quality)
            progress(done, seeds * len(SAMPLERS) * len(TERRAINS))
        progress.title("judging twice")
        fewer, same = _cascaded(seeds, progress)
        cascade = {"cascade_saving": fewer, "cascade_same_choice": same}
        progress.title("opening gates")
        gate = {
            "false_promotion": false_promotion(SIMULATIONS),
            f"power_at_{EFFECT:.2f}": power(EFFECT, SIMULATIONS),
            "champion_against_itself": champion_against_itself(SIMULATIONS),
        }
    if not as_json:
        _show(found, cascade, gate, f"{seeds} landscapes of each terrain, {budget} proposals a search")
    terrains = {
        terrain: {name: _figures(of_terrain, name) for name in of_terrain} for terrain, of_terrain in found.items()
    }
    asked = {"seeds": seeds, "budget": budget, "simulations": SIMULATIONS}
    click.echo(json.dumps({**asked, "terrains": terrains, **cascade, **gate}))


def _searched(seeds: int, budget: int) -> Iterator[tuple[str, str, float]]:
    for seed in range(seeds):
        for terrain in TERRAINS:
            landscape = planted(TERRAINS[terrain], seed)
            for name, sampler in SAMPLERS.items():
                yield terrain, name, search(landscape, sampler, budget, random.Random(seed))


def _cascaded(seeds: int, progress: Callable[[int, int], None]) -> tuple[float, float]:
    """Streams of a tenth as many seeds, judged twice: the times fewer episodes, and the share of the same choice."""
    judged = []
    many = max(1, seeds // 10)
    for stream in streams(range(HELD_OUT, HELD_OUT + many)):
        judged.append(judged_twice(stream, CascadeSettings()))
        progress(len(judged), many * STREAMS)
    return saving(judged)


def _figures(found: Mapping[str, Sequence[float]], name: str) -> dict[str, Any]:
    return {"quality": _mean(found[name]).model_dump(), "gain": _gain(found, name).model_dump()}


def _gain(found: Mapping[str, Sequence[float]], name: str) -> Interval:
    """Over the control, in pairs: both have searched the same landscapes."""
    return _mean([each - other for each, other in zip(found[name], found[CONTROL], strict=True)])


def _mean(values: Sequence[float]) -> Interval:
    return interval(values, [str(place) for place in range(len(values))])


def _show(found: Qualities, cascade: Mapping[str, float], gate: Mapping[str, float], title: str) -> None:
    console = Console()
    table = Table(title=title, box=box.SIMPLE)
    for heading in ("terrain", "sampler", "true quality [95 %]", f"gain over {CONTROL} [95 %]"):
        table.add_column(heading, no_wrap=True)
    for terrain, of_terrain in found.items():
        for name in sorted(of_terrain, key=lambda each: -_mean(of_terrain[each]).mean):
            gain = "" if name == CONTROL else str(_gain(of_terrain, name))
            table.add_row(terrain, name, str(_mean(of_terrain[name])), gain)
        table.add_section()
    console.print(table)
    for name, figure in cascade.items():
        console.print(f"{name}: {figure:.2f}")
    for name, part in gate.items():
        console.print(f"{name}: {part:.3f} of {SIMULATIONS:,} simulated gates")
