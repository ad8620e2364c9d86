"""ALFWorld's text games: a `game.tw-pddl` file, which holds its own logic, grammar and problem."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import textworld
from alfworld.agents.environment.alfred_tw_env import AlfredDemangler
from game_files import find_game
from remembering import remember
from textworld.envs.pddl import PddlEnv

WANTED = textworld.EnvInfos(won=True, admissible_commands=True)
TASK = "Your task is to:"


class AlfworldGame:
    """One game at a time, in one engine, which is reused so that its memory does not grow with every game.

    The score is 1 when it is won, else 0; it cannot be lost. Nothing in it is left to chance.
    """

    def __init__(self, games: Path) -> None:
        remember()
        self._games = games
        self._env = AlfredDemangler(PddlEnv(WANTED), shuffle=False)
        self._state: dict[str, Any] = {}

    def reset(self, game: str, seed: int) -> Mapping[str, Any]:  # noqa: ARG002
        """See `lines.Game`. The seed changes nothing."""
        self._env.load(str(find_game(self._games, game, ".tw-pddl")))
        seen = self._env.reset()
        room, _, goal = seen.feedback.partition(TASK)
        return self._keep(goal.strip(), room.rpartition("=-")[2], seen)

    def step(self, action: str) -> Mapping[str, Any]:
        """See `lines.Game`. A finished episode stays as it is."""
        if self._state["done"]:
            return self._state
        seen, _, _ = self._env.step(action)
        return self._keep(self._state["goal"], seen.feedback, seen)

    def _keep(self, goal: str, observation: str, seen: Any) -> Mapping[str, Any]:
        won = bool(seen.won)
        self._state = {
            "goal": goal,
            "observation": observation.strip(),
            "actions": seen.admissible_commands,
            "score": float(won),
            "won": won,
            "done": won,
        }
        return self._state
