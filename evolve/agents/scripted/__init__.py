"""Agents without a model: pure functions of what is seen. `READER` in a domain's file says what it reads in memory."""

import importlib
import os
from pathlib import Path

from evolve.agents import Decision, Policy, Situation
from evolve.agents.version import version_of
from evolve.environments import Domain


def policy(domain: Domain) -> Policy:
    """What plays a domain: `choose` of the file of its name."""
    chosen: Policy = importlib.import_module(f"{__name__}.{domain}").choose
    return chosen


class ScriptedAgent:
    """Implements `Agent`."""

    name = "scripted"
    deterministic = True

    def __init__(self) -> None:
        self.at_once = os.cpu_count() or 1
        self.version = version_of(Path(__file__).parent.glob("*.py"))

    async def act(self, situation: Situation) -> Decision:
        return Decision(policy(situation.domain)(situation))
