"""The 40 published levels of Baba Is AI as families that are drawn anew for each seed, and proven winnable.

The families, the sizes of their rooms and where their rules stand follow the original (nacloos/baba-is-ai, MIT);
the list is BALROG's. What the original leaves to chance and may make unwinnable is here drawn again, until the
solver wins it within `LIMIT` steps.
"""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from baba_draft import Cell, Draft, area
from baba_rules import World
from baba_solver import solve

LIMIT = 20
"""The steps that an episode may take; every level can be won in them."""

Side = Literal["left", "right", "any"]
RuleBlock = Literal["none", "other", "third"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a level is drawn.

    `stop` and `win` say whether "wall is stop" and the rule of the object to reach hold at first. `side` is the
    room of that object. `twin` adds a second object, `block` a text block of its name or of a third one's, and
    `decoy` a rule that makes something WIN which is not there.
    """

    rooms: Literal[1, 2] = 1
    stop: bool = False
    win: bool = True
    side: Side = "left"
    aim: Literal["", "you", "wall"] = ""
    twin: bool = False
    block: RuleBlock = "none"
    decoy: bool = False


_FAMILIES = {
    "goto_win": Recipe(),
    "make_win": Recipe(win=False),
    "two_room-goto_win": Recipe(rooms=2),
    "two_room-break_stop-goto_win": Recipe(rooms=2, stop=True, side="right"),
    "two_room-maybe_break_stop-goto_win": Recipe(rooms=2, stop=True, side="any"),
    "two_room-make_win": Recipe(rooms=2, win=False),
    "two_room-break_stop-make_win": Recipe(rooms=2, stop=True, win=False, side="right"),
}


def _variants(recipe: Recipe) -> Mapping[str, Recipe]:
    return {
        "": recipe,
        "-distr_obj": replace(recipe, twin=True),
        "-distr_rule": replace(recipe, block="other"),
        "-distr_obj_rule": replace(recipe, twin=True, block="other"),
        "-distr_obj-irrelevant_rule": replace(recipe, twin=True, block="third"),
    }


def _decoyed(recipe: Recipe) -> Recipe:
    return replace(recipe, twin=True, block="other", decoy=True)


_BEYOND = Recipe(rooms=2, stop=True, side="right", twin=True)

LEVELS: Mapping[str, Recipe] = {
    **{
        f"env/{family}{suffix}": variant
        for family, recipe in _FAMILIES.items()
        for suffix, variant in _variants(recipe).items()
    },
    "env/two_room-goto_win-distr_win_rule": _decoyed(_FAMILIES["two_room-goto_win"]),
    "env/two_room-make_win-distr_win_rule": _decoyed(_FAMILIES["two_room-make_win"]),
    "env/two_room-make_you": replace(_BEYOND, aim="you", block="other"),
    "env/two_room-make_you-make_win": replace(_BEYOND, aim="you", block="other", win=False),
    "env/two_room-make_wall_win": replace(_BEYOND, aim="wall", block="third", win=False),
}

_SIDES: Mapping[Side, list[Cell]] = {
    "left": area(1, 1, 4, 7),
    "right": area(7, 2, 10, 7),
    "any": area(1, 2, 11, 7),
}
_CORNER = area(11, 2, 11, 7) + area(8, 7, 10, 7)
"""The far right and the bottom of the right room, out of which a block can hardly be pushed."""


@dataclass(frozen=True, slots=True)
class _Rooms:
    """Where the rules of two rooms begin, and where in each room lies what has to be pushed."""

    you: Cell
    stop: Cell
    left: list[Cell]
    right: list[Cell]
    win: Cell = (9, 1)


_ROOMS = {
    "": _Rooms(you=(1, 7), stop=(1, 2), left=area(2, 3, 5, 5), right=area(7, 3, 10, 5)),
    "you": _Rooms(you=(1, 6), stop=(1, 1), left=area(2, 3, 4, 5), right=area(8, 3, 10, 5)),
    "wall": _Rooms(you=(1, 7), stop=(2, 2), left=area(2, 3, 4, 5), right=area(8, 3, 10, 5)),
}


@lru_cache(maxsize=64)
def level(game: str, seed: int) -> World:
    """The map of a published id, a key of `LEVELS`: the same for the same seed, and winnable within `LIMIT`."""
    for attempt in itertools.count():
        drawn = _drawn(LEVELS[game], random.Random(f"{game}:{seed}:{attempt}"))
        if not drawn.won and solve(drawn, LIMIT) is not None:
            return drawn
    raise AssertionError("counting does not end")


def _drawn(recipe: Recipe, chance: random.Random) -> World:
    goal, twin, third = chance.sample(("ball", "key", "door"), 3)
    other = third if recipe.block == "third" else twin
    draw = _one_room if recipe.rooms == 1 else _two_rooms
    return draw(recipe, chance, goal, twin, other)


def _one_room(recipe: Recipe, chance: random.Random, goal: str, twin: str, other: str) -> World:
    draft = Draft(8, 8, chance)
    draft.rule("baba", "you", (1, 6))
    draft.rule(goal, "win", (1, 1))
    if not recipe.win:
        draft.move((1, 1), area(2, 2, 5, 5))
    if recipe.block != "none":
        draft.place(other.upper(), area(4, 1, 6, 1) + area(6, 2, 6, 5) + area(4, 6, 6, 6))
    for word in ("baba", goal, *([twin] if recipe.twin else [])):
        draft.place(word, area(1, 2, 6, 6))
    return draft.world


def _two_rooms(recipe: Recipe, chance: random.Random, goal: str, twin: str, other: str) -> World:
    draft = Draft(13, 9, chance)
    for y in range(1, 8):
        draft.put("wall", (6, y))
    room = _ROOMS[recipe.aim]
    draft.rule("baba", "you", room.you)
    draft.rule("wall", "stop", room.stop)
    draft.rule(goal, "win", room.win)
    if recipe.decoy:
        draft.rule(({"ball", "key", "door"} - {goal, twin}).pop(), "win", (9, 4))
    if recipe.block != "none":
        draft.place(other.upper(), _block_cells(recipe))
    if not recipe.stop:
        draft.move((room.stop[0] + chance.choice((1, 2)), room.stop[1]), room.left)
    if not recipe.win:
        draft.move(room.win, _CORNER if recipe.aim == "wall" else room.right)
    draft.place("baba", room.left)
    for word in (goal, *([twin] if recipe.twin else [])):
        draft.place(word, _SIDES[recipe.side])
    return draft.world


def _block_cells(recipe: Recipe) -> list[Cell]:
    """Where the block of another name lies: where it can be pushed, or else where it cannot be made WIN."""
    room = _ROOMS[recipe.aim]
    if recipe.aim == "you":
        return room.left
    return _CORNER if recipe.twin and recipe.block == "other" else room.right
