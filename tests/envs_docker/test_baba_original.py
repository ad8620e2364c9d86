"""The original Baba Is AI is played behind the same face, where its package is there: here a small one like it."""

import random
import sys
import types
from dataclasses import dataclass, field

import baba_original
import lines
import pytest

IDLE, UP, RIGHT, DOWN, LEFT = range(5)


@dataclass
class Thing:
    """What lies in a cell of the original's grid, as its own objects look from outside."""

    type: str
    name: str


BABA, BALL = Thing("baba", "baba"), Thing("fball", "ball")


class Grid:
    """Cells are stacks that begin with nothing; the border is of a kind that no rule names."""

    width, height = 6, 4

    def __init__(self, row: str) -> None:
        kinds = {"b": BABA, "o": BALL, "B": Thing("rule_object", "baba"), "=": Thing("rule_is", "is")}
        self.stacks = {(x, 1): [kinds[mark]] for x, mark in enumerate(row) if mark != "."}

    def get(self, x, y, z):
        assert z == "all"
        border = [Thing("wall", "wall")] if x in (0, self.width - 1) or y in (0, self.height - 1) else []
        return [None, *border, *self.stacks.get((x, y), [])]


@dataclass
class Level:
    """Baba and a ball in a row. The ball is WIN; a step up breaks BABA IS YOU."""

    at: int = 0
    rules: list = field(default_factory=list)

    def reset(self):
        self.at = random.randint(1, 3)
        self.rules = [
            {"object": "baba", "property": "is_agent"},
            {"object": "fball", "property": "is_goal"},
            {"object": "fball", "property": "is_goal"},
            {"object1": "fball", "object2": "baba"},
        ]
        return

    def get_ruleset(self):
        return {"_rule_": self.rules}

    @property
    def grid(self):
        row = "".join("b" if x == self.at else "o" if x == 4 else "." for x in range(5))
        return Grid(row)

    def step(self, action):
        self.at += {RIGHT: 1, LEFT: -1}.get(action, 0)
        if action == UP:
            self.rules = self.rules[1:]
        won = self.at == 4
        return None, 0.9 if won else 0, won, {}


@pytest.fixture
def baba(monkeypatch):
    package, objects, numbers = (types.ModuleType(name) for name in ("baba", "baba.world_object", "numpy"))
    package.make = lambda game: Level()
    objects.name_mapping = {"is_agent": "you", "is_goal": "win", "fball": "ball"}
    numbers.random = types.SimpleNamespace(seed=lambda seed: None)
    for module in (package, objects, numbers):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return baba_original.OriginalBaba()


def test_its_grid_is_told_as_ours_is(baba):
    state = baba.reset("env/goto_win", 3)
    steps = 4 - random.Random(3).randint(1, 3)
    told = f"ball {steps} step{'s' if steps > 1 else ''} to the right"
    assert state["observation"] == f"Active rules:\nbaba is you\nball is win\n\nObjects on the map:\n{told}"
    assert state["actions"] == ["idle", "up", "right", "down", "left"]


def test_a_seed_makes_it_repeatable(baba):
    seen = [baba.reset("env/goto_win", seed)["observation"] for seed in range(20)]
    assert seen == [baba.reset("env/goto_win", seed)["observation"] for seed in range(20)]
    assert len(set(seen)) == 3


def test_it_is_won_at_the_object_that_is_win_and_stays_so(baba):
    baba.reset("env/goto_win", 1)
    state = {"done": False}
    while not state["done"]:
        state = baba.step("right")
    assert (state["score"], state["won"]) == (1.0, True)
    assert baba.step("left") == state


def test_nothing_that_is_you_ends_the_episode_instead_of_a_new_level(baba):
    baba.reset("env/goto_win", 1)
    state = baba.step("up")
    assert (state["score"], state["won"], state["done"]) == (0.0, False, True)
    assert state["observation"].endswith("Nothing is YOU any more.")


def test_unknown_actions_and_levels_are_answered_as_ours_are(baba):
    with pytest.raises(lines.BadGame, match="reset first"):
        baba.step("up")
    before = baba.reset("env/goto_win", 1)["observation"]
    told = baba.step("jump")["observation"]
    assert told.startswith("There is no action 'jump'")
    assert told.endswith(before)
    with pytest.raises(lines.BadGame, match="env/make_win"):
        baba.reset("env/you_win", 1)


def test_without_the_package_it_cannot_be_made():
    with pytest.raises(ImportError):
        baba_original.OriginalBaba()
