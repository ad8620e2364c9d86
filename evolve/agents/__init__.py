"""Agents: who plays. An agent sees a `Situation` and nothing else; it never sees a score.

The loop that asks it is `evolve.episode`; agents that need no model are in `evolve.agents.scripted`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from evolve.environments import Domain


@dataclass(frozen=True, slots=True)
class Turn:
    """One step that was taken, and what was seen after it."""

    action: str
    observation: str


@dataclass(frozen=True, slots=True)
class Situation:
    """All that an agent knows when it acts.

    `memory` holds the texts that came back from memory, best first. `first` is what was seen before the
    first step, `history` the steps since; `observation` is what is seen now. `actions` are the admissible
    ones, empty where the domain does not list them. `seed` makes chance repeatable.
    """

    domain: Domain
    goal: str
    first: str
    observation: str
    actions: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What an agent does, and what that cost. `problem` says why its answer was no action: the step is lost."""

    action: str
    tokens_in: int = 0
    tokens_out: int = 0
    problem: str = field(default="")


class Agent(Protocol):
    """Who plays. `name` stands in every report; `version` changes with what else decides its behaviour: its code
    or its prompts.

    One that is `deterministic` does the same in the same situation whatever its seed: it plays a task once.
    `at_once` is how many episodes it can play side by side.
    """

    name: str
    version: str
    deterministic: bool
    at_once: int

    async def act(self, situation: Situation) -> Decision:
        """One action. Raises `AgentLost` where the model cannot be reached: nobody's score."""


Policy = Callable[[Situation], str]
"""A scripted agent: a pure function of what is seen."""
