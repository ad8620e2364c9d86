"""BALROG's eight MiniHack tasks as text (NLE: arXiv 2006.13760, MiniHack: 2109.13202, BALROG: 2411.13543).

The character is drawn by the seed, as BALROG has it; picking things up is as each task's authors set it, because
with BALROG's setting nothing can be picked up in the two quests. While the game asks a question, the actions are
its answers. Steps are counted by the host.
"""

from collections.abc import Mapping
from typing import Any

import gym
import minihack_boxoban as boxoban
import minihack_text as text
from lines import BadGame
from minihack import MiniHackNavigation
from minihack_nethack import SHOWN, NetHack
from nle import nle_language_obsv
from nle.language_wrapper.wrappers.nle_language_wrapper import NLELanguageWrapper
from nle.nethack import CompassCardinalDirection

EXPLORE = "Your goal is to explore the level and reach the stairs down."
QUEST = (
    "Your goal is to explore the level, fight monsters, and navigate rooms and mazes to ultimately reach the stairs "
    "down."
)
PUSH = (
    "You are playing Boxoban, a box-pushing game inspired by Sokoban. Your goal is to push the boulders onto the "
    "fountains on the map. You can push the boulders by walking into them, as long as nothing is behind them."
)
GOALS: Mapping[str, str] = {
    "MiniHack-Boxoban-Hard-v0": PUSH,
    "MiniHack-Boxoban-Medium-v0": PUSH,
    "MiniHack-MazeWalk-9x9-v0": f"You are in a maze. {EXPLORE}",
    "MiniHack-MazeWalk-15x15-v0": f"You are in a maze. {EXPLORE}",
    "MiniHack-Corridor-R3-v0": f"Corridors join the rooms of this level. {EXPLORE}",
    "MiniHack-CorridorBattle-Dark-v0": f"It is dark, and monsters are about. {EXPLORE}",
    "MiniHack-Quest-Easy-v0": QUEST,
    "MiniHack-Quest-Medium-v0": QUEST,
}
BOULDER = "`"
OTHERS = "up, down, wait, apply, close, open, eat, force, kick, loot, pickup, pray, puton, quaff, search, zap"
NAMES = {*text.DIRECTIONS, *(f"far {direction}" for direction in text.DIRECTIONS), *OTHERS.split(", ")}


class MiniHack:
    """A `lines.Game`. Same game, seed and actions: the same text, on any day."""

    def __init__(self) -> None:
        self._describer = nle_language_obsv.NLELanguageObsv()
        self._game = ""
        self._play: NetHack
        self._named: Mapping[str, int] = {}
        self._homes: frozenset[boxoban.Place] = frozenset()

    def reset(self, game: str, seed: int) -> Mapping[str, Any]:
        if game not in GOALS:
            raise BadGame(f"There is no task {game!r}; there are: {', '.join(GOALS)}.")
        if game != self._game:
            self._open(game)
        self._homes = frozenset()
        if "Boxoban" in game:
            self._begin_boxoban(seed)
        else:
            self._play.begin(seed)
        return self._state()

    def step(self, action: str) -> Mapping[str, Any]:
        actions = self._actions()
        if action not in actions:
            return self._state(f"There is no action {action!r} now. The actions are: {', '.join(actions)}.")
        if not self._done():
            self._play.press(actions[action])
        return self._state()

    def _open(self, game: str) -> None:
        if self._game:
            self._play.close()
        env = _boxoban() if "Boxoban" in game else gym.make(game, observation_keys=SHOWN, character="@")
        names = {NLELanguageWrapper.all_nle_action_map[key][0]: int(key) for key in env.actions}
        self._named = {name: key for name, key in names.items() if name in NAMES}
        self._play, self._game = NetHack(env), game

    def _begin_boxoban(self, seed: int) -> None:
        level = boxoban.level("hard" if "Hard" in self._game else "medium", seed)
        self._play.begin(seed, boxoban.description(level))
        column, row = boxoban.start(level)
        x, y = (int(number) for number in self._play.seen["blstats"][:2])
        self._homes = frozenset(
            (x - column + home, y - row + line) for home, line in boxoban.places(level, boxoban.GOALS)
        )

    def _won(self) -> bool:
        if not self._homes:
            return self._play.on_stairs()
        rows = "\n".join(bytes(row).decode("latin-1") for row in self._play.seen["chars"])
        return boxoban.places(rows, BOULDER) == self._homes

    def _done(self) -> bool:
        return self._play.dead or self._won()

    def _actions(self) -> Mapping[str, int]:
        question = self._play.question()
        return self._named if question is None else text.answers(question)

    def _state(self, message: str | None = None) -> Mapping[str, Any]:
        won = self._won()
        heard = text.joined(self._play.messages) if message is None else message
        return {
            "goal": GOALS[self._game],
            "observation": text.observation(self._describer, self._play.seen, heard),
            "actions": list(self._actions()),
            "score": float(won),
            "won": won,
            "done": self._done(),
        }


def _boxoban() -> Any:
    """An environment for levels that come later; the one it is made with is never played."""
    return MiniHackNavigation(
        des_file=boxoban.description("####\n#@ #\n####"),
        actions=tuple(CompassCardinalDirection),
        observation_keys=SHOWN,
        character="@",
    )
