"""`alma-evolve promote`: through the gate, and on to a person."""

import asyncio
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alma_mcp.control import control
from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from alma_mcp.evidence.dossier import Dossier
from evolve.archive import Archive
from evolve.commands.reference import find_design
from evolve.commands.run import CONFIGURATION, DATA, open_both, settings_of
from evolve.endpoints.prices import PUBLISHED, load_prices
from evolve.gate import Gate
from evolve.laboratory import memory_model
from evolve.progress import bar

if TYPE_CHECKING:
    from evolve.cli import Context
    from evolve.config import SearchSettings


@click.command()
@click.argument("design", required=False)
@CONFIGURATION
@DATA
@click.option(
    "--give-up", is_flag=True, help="Let go of a challenger that is written down; a counted opening stays so."
)
@click.pass_obj
def promote(context: "Context", design: str | None, configuration: Path, data: Path | None, *, give_up: bool) -> None:
    """Put DESIGN, or the archive's best finalist, through the gate against the live champion, and ask for approval.

    An opening that was interrupted goes on: the same pair, and nothing is played twice.
    """
    settings = settings_of(configuration, data)
    if give_up and design:
        raise EvolveError("`--give-up` lets go of the challenger that is written down; name no design with it.")
    if give_up:
        click.echo(f"Given up: {asyncio.run(_give_up(context, settings))[:12]} is the challenger no more.")
        return
    dossier, short = asyncio.run(_promote(context, settings, design))
    click.echo(f"The gate {dossier.verdict}: difference {dossier.difference}, p = {dossier.p_value:.5f}.")
    for objection in dossier.objections:
        click.echo(f"Objection: {objection}.")
    click.echo(f"A person decides: alma-mcp promotions show {short}, then alma-mcp promotions approve {short}")


async def _promote(context: "Context", settings: "SearchSettings", design: str | None) -> tuple[Dossier, str]:
    """The dossier, and the short id of the request that it was filed with."""
    prices, model = load_prices(settings.prices or PUBLISHED), memory_model(settings.play)
    async with control(context.home) as engine:
        live = await engine.request("champion", {})
        champion = Design(live["source"], live["name"])
        with Archive(context.home.archive, context.store) as archive, bar("the gate") as report:
            async with open_both(settings, context) as (benchmark, laboratory):
                priced = partial(prices.dollars, model)
                gate = Gate(archive, benchmark, laboratory, settings.gate, priced=priced, agent=settings.play.agent)
                challenger = find_design(archive, design) if design else await gate.choose(champion, report)
                dossier = await gate.open(challenger, champion, shlex.join(["alma-evolve", *sys.argv[1:]]), report)
        asked = {"source": challenger.source, "name": challenger.name, "dossier": dossier.model_dump(mode="json")}
        return dossier, (await engine.request("promotions.request", asked))["short"]


async def _give_up(context: "Context", settings: "SearchSettings") -> str:
    with Archive(context.home.archive, context.store) as archive:
        async with open_both(settings, context) as (benchmark, laboratory):
            return Gate(archive, benchmark, laboratory, settings.gate).give_up()
