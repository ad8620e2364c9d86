"""The search in the dashboard: the sections Evolution and Runs, found by the entry point group `alma_mcp.dashboard`."""

from collections.abc import Sequence

from alma_mcp.dashboard.section import Section
from alma_mcp.design_store import DesignStore
from alma_mcp.home import Home
from evolve.at_work import searching
from evolve.dashboard.evolution import Evolution
from evolve.dashboard.fragments import TEMPLATES
from evolve.dashboard.plays import Plays
from evolve.dashboard.reader import Reader
from evolve.dashboard.runs import Runs


def sections(home: Home) -> Sequence[Section]:
    """Evolution and Runs of a home. Nothing is opened before somebody looks."""
    reader = Reader(home, DesignStore(home.designs))
    evolution, plays, runs = Evolution(reader), Plays(reader), Runs(reader)
    return [
        Section(
            "Evolution",
            "/evolution",
            TEMPLATES,
            {
                "/evolution": evolution.tree,
                "/evolution/designs/{design}": evolution.design,
                "/evolution/episodes/{episode}": plays.episode,
                "/evolution/plays/{opening:int}": plays.opening,
                "/evolution/plays/{opening:int}/{task:path}": plays.task,
            },
        ),
        Section(
            "Runs",
            "/runs",
            TEMPLATES,
            {"/runs": runs.all, "/runs/{run:int}": runs.one},
            {"/runs/stop": runs.stop},
            badge=lambda: "live" if searching(home) else "",
        ),
    ]
