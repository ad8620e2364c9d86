"""Our own Baba Is AI: the published levels by their ids, drawn by a seed, told in words."""

from collections.abc import Mapping
from typing import Any

import lines
from baba_levels import LEVELS, level
from baba_rules import STEPS, World
from baba_text import observation

GOAL = "Reach an object that IS WIN. Rules are made by text blocks, and you can push the blocks to change the rules."


class Baba:
    """One level at a time. An episode ends when it is won, or when nothing is YOU any more."""

    def __init__(self) -> None:
        self._world: World | None = None

    def reset(self, game: str, seed: int) -> Mapping[str, Any]:
        """Begin `game`, a published id such as `env/make_win`. Raises `BadGame` for any other."""
        known(game)
        self._world = level(game, seed)
        return self._state(self._world)

    def step(self, action: str) -> Mapping[str, Any]:
        """Do one of `ACTIONS`. Anything else is answered, and no time passes; so it is after the end."""
        if self._world is None:
            raise lines.BadGame("No level has begun; reset first.")
        if action not in STEPS:
            return self._state(self._world, unknown(action))
        if not (self._world.won or self._world.lost):
            self._world = self._world.after(action)
        return self._state(self._world)

    def _state(self, world: World, note: str = "") -> Mapping[str, Any]:
        text = note + observation(world.rules, world.placed)
        return state(text, won=world.won, lost=world.lost)


def known(game: str) -> None:
    """Raises `BadGame` where there is no such level; it says what there is."""
    if game not in LEVELS:
        raise lines.BadGame(f"There is no level {game!r}; there are: {', '.join(LEVELS)}.")


def unknown(action: str) -> str:
    """What is said before the observation when an action is none."""
    return f"There is no action {action!r}; there are: {', '.join(STEPS)}.\n\n"


def state(text: str, *, won: bool, lost: bool) -> Mapping[str, Any]:
    """What the protocol tells of a level."""
    score = 1.0 if won else 0.0
    return {
        "goal": GOAL,
        "observation": text,
        "actions": list(STEPS),
        "score": score,
        "won": won,
        "done": won or lost,
    }
