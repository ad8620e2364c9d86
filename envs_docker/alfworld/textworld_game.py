"""TextWorld's games: a `.z8` file with its `.json` beside it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import textworld
from game_files import find_game
from lines import BadGame

# Never `policy_commands`: it would be an oracle.
WANTED = textworld.EnvInfos(
    objective=True, admissible_commands=True, verbs=True, score=True, max_score=True, won=True, lost=True
)
PLAIN = re.compile(r"[\w' -]+")
PROMPT = re.compile(r"\s*(Would you like to RESTART[^\n]*)?\n>[^\n]*\Z")
UNKNOWN = "That's not a verb I recognise."
LARGEST_SEED = 2**31 - 1


class TextworldGame:
    """One game at a time.

    The score is the game's own as a fraction of what can be had. An episode is done when it is won or lost.
    """

    def __init__(self, games: Path) -> None:
        self._games = games
        self._env: Any = None
        self._seen: Any = None
        self._state: dict[str, Any] = {}

    def reset(self, game: str, seed: int) -> Mapping[str, Any]:
        """See `lines.Game`. The interpreter is seeded; few games use chance."""
        path = find_game(self._games, game, ".z8")
        if not path.with_suffix(".json").is_file():
            raise BadGame(
                f"The game {game!r} has no {path.with_suffix('.json').name} beside it, which holds its rules."
            )
        if self._env is not None:
            self._env.close()
        self._env = textworld.start(str(path), WANTED)
        self._env.seed(seed % LARGEST_SEED)
        self._seen = self._env.reset()
        return self._keep(self._seen.feedback.split(self._seen.objective or "\0")[-1])

    def step(self, action: str) -> Mapping[str, Any]:
        """See `lines.Game`. A finished episode stays as it is."""
        if self._state["done"]:
            return self._state
        action = action.strip()
        if not self._is_one_action(action):
            return self._keep(UNKNOWN)
        self._seen, _, _ = self._env.step(action)
        return self._keep(self._seen.feedback)

    def _is_one_action(self, action: str) -> bool:
        """Whether it is one thing to do; the interpreter also takes several in a line, and debugging commands."""
        if action in self._seen.admissible_commands:
            return True
        words = action.lower().split()
        known = {*self._seen.verbs, "goal", "help"}
        return bool(PLAIN.fullmatch(action)) and words[0] in known and "then" not in words

    def _keep(self, feedback: str) -> Mapping[str, Any]:
        seen = self._seen
        self._state = {
            "goal": seen.objective.strip(),
            "observation": _cleaned(feedback),
            "actions": seen.admissible_commands,
            "score": 1.0 if seen.won else max(0.0, min(1.0, seen.score / max(1, seen.max_score))),
            "won": bool(seen.won),
            "done": bool(seen.won or seen.lost),
        }
        return self._state


def _cleaned(feedback: str) -> str:
    lines = (line.strip() for line in PROMPT.sub("", feedback).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
