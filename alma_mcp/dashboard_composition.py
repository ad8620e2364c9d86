"""Puts the dashboard together: every section with the parts of the engine that it shows."""

import time
from collections.abc import Awaitable, Callable, Sequence

from alma_mcp.approval.account import own_approver_name
from alma_mcp.composition import Parts
from alma_mcp.dashboard.audit import audit_section
from alma_mcp.dashboard.champion import ChampionSources, champion_section
from alma_mcp.dashboard.memories import memories_section
from alma_mcp.dashboard.plugins import in_order, plugin_sections
from alma_mcp.dashboard.promotions import promotions_section
from alma_mcp.dashboard.scopes import scopes_section
from alma_mcp.dashboard.section import Section
from alma_mcp.dashboard.server import DashboardServer
from alma_mcp.home import Home
from alma_mcp.presence import Presence
from alma_mcp.status import Status


def make_dashboard(
    home: Home, parts: Parts, status: Callable[[], Awaitable[Status]], presence: Presence
) -> DashboardServer:
    """The dashboard of an engine, which listens once somebody asks for it."""

    def sections() -> Sequence[Section]:
        others, problems = plugin_sections(home)
        own = [
            memories_section(parts.service, parts.log, parts.curation, time.time, own_approver_name()),
            champion_section(
                ChampionSources(
                    status, lambda: parts.serving.live.design, parts.card, parts.questions, parts.log,
                    time.time, problems,
                )
            ),
            promotions_section(parts.ledger_handlers, parts.rules, home, time.time),
            scopes_section(parts.log, presence.now),
            audit_section(parts.ledger),
        ]  # fmt: skip
        return in_order([*own, *others])

    return DashboardServer(sections)
