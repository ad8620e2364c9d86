"""Environments to play in: a game behind a container, one line of JSON a request.

A domain is one of the four of the ALMA paper. A family is what shares an image (`envs_docker/<family>`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Domain = Literal["alfworld", "textworld", "babaisai", "minihack"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)

Family = Literal["alfworld", "balrog"]
FAMILIES: Mapping[Domain, Family] = {
    "alfworld": "alfworld",
    "textworld": "alfworld",
    "babaisai": "balrog",
    "minihack": "balrog",
}


@dataclass(frozen=True, slots=True)
class State:
    """What a reset or a step leaves behind. `score` is in [0, 1]; `done` says that no further step counts.

    `actions` are all that can be done now, empty where the domain does not list them. `goal` is the task
    in the environment's own words, the same in every state of an episode.
    """

    goal: str
    observation: str
    actions: tuple[str, ...] = ()
    score: float = 0.0
    won: bool = False
    done: bool = False


class Environment(Protocol):
    """One environment, one episode at a time. Every method raises `EnvironmentLost`: nobody's score."""

    async def reset(self, domain: Domain, game: str, seed: int) -> State:
        """Begin an episode. `game` is a file of the mounted games, or a level's id."""

    async def step(self, action: str) -> State:
        """Do one thing. An action that the game does not know is answered by the game, and no fault."""

    async def close(self) -> None: ...
