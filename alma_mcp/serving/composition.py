"""Puts serving and its canary together: what happens around a swap, and who is told of it."""

import time
from collections.abc import Awaitable, Callable
from random import SystemRandom

from alma_mcp.design_store import Design
from alma_mcp.home import Home
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.projections.projections import Projections
from alma_mcp.rehearsals.readiness import probe
from alma_mcp.serving.canary import Canary, Extent
from alma_mcp.serving.serving import Serving
from alma_mcp.serving.succession import Succession
from alma_mcp.serving.swap import Steps


def make_serving(
    log: ExperienceLog,
    succession: Succession,
    projections: Callable[[Design], Projections],
    home: Home,
    extent: Extent,
    prepare: Callable[[Design], Awaitable[None]],
    changed: Callable[[], None],
) -> tuple[Serving, Canary]:
    """Serving over a home's ledger, and its canary.

    `prepare` is awaited before a design is built; `changed` is called when the canary has rolled back.
    """

    async def ready(built: Projections) -> str:
        await probe(built, log, log.counts(), time.time())
        return ""

    async def moved(design: Design) -> None:
        promotion = succession.request_of(design)
        if promotion and (promotion.state == "approved" or canary.watches(promotion.request)):
            await canary.begin(promotion.request, design)
        await succession.took_over(design)

    async def roll_back(request: int, reason: str) -> None:
        if await succession.roll_back(request, reason):
            changed()

    previous = succession.previous()
    serving = Serving(
        log,
        succession.champion,
        projections,
        Steps(prepare, ready, moved),
        succession.settled,
        previous if previous and (home.projections / previous.short).is_dir() else None,
        succession.follows_previous,
    )
    canary = Canary(serving, home.canary, extent, roll_back, SystemRandom())
    return serving, canary
