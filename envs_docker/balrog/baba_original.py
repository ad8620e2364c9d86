"""The original Baba Is AI, where the user has supplied its package `baba`, behind the face of our own.

What is mended on the way: it takes no seed, so both of its sources of chance are seeded; it has no text observation,
so ours is made from its grid; it goes on without anything that is YOU, so that here ends the episode, lost. Its levels
are not proven winnable.
"""

import importlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import lines
from baba_game import known, state, unknown
from baba_rules import STEPS, Placed, Rule
from baba_text import observation

_ACTIONS = tuple(STEPS)
_BORDER = "wall"
_BLOCKS = ("rule_object", "rule_is", "rule_property", "rule_color")


class OriginalBaba:
    """One of the original's levels at a time. Raises `ImportError` when made without the package `baba`."""

    def __init__(self) -> None:
        self._make = importlib.import_module("baba").make
        self._names = importlib.import_module("baba.world_object").name_mapping
        self._numpy = importlib.import_module("numpy")
        self._env: Any = None
        self._won = False

    def reset(self, game: str, seed: int) -> Mapping[str, Any]:
        """Begin `game`, one of the same ids as our own levels. Raises `BadGame` for any other."""
        known(game)
        random.seed(seed)
        self._numpy.random.seed(seed % 2**32)
        self._env, self._won = self._make(game), False
        self._env.reset()
        return self._state()

    def step(self, action: str) -> Mapping[str, Any]:
        """Do one of `STEPS`. Anything else is answered, and no time passes; so it is after the end."""
        if self._env is None:
            raise lines.BadGame("No level has begun; reset first.")
        if action not in _ACTIONS:
            return self._state(unknown(action))
        if not (self._won or self._lost):
            reward = self._env.step(_ACTIONS.index(action))[1]
            self._won = reward > 0
        return self._state()

    @property
    def _lost(self) -> bool:
        yous = {noun for noun, prop in self._rules() if prop == "you"}
        return not any(word in yous for word, _, _ in self._placed())

    def _state(self, note: str = "") -> Mapping[str, Any]:
        text = note + observation(self._rules(), list(self._placed()))
        return state(text, won=self._won, lost=self._lost)

    def _rules(self) -> list[Rule]:
        found = self._env.get_ruleset().get("_rule_", [])
        named = [(self._name(each["object"]), self._name(each["property"])) for each in found if "property" in each]
        return list(dict.fromkeys(named))

    def _placed(self) -> Iterator[Placed]:
        grid = self._env.grid
        for y in range(grid.height):
            for x in range(grid.width):
                for each in grid.get(x, y, "all"):
                    if each is not None and each.type != _BORDER:
                        yield self._word(each), x, y

    def _word(self, each: Any) -> str:
        name = self._name(each.name)
        return name.upper() if each.type in _BLOCKS else name

    def _name(self, internal: str) -> str:
        return str(self._names.get(internal, internal))
