"""The rules of Baba Is You that the published levels use: noun IS property, read off the map itself.

A thing is written in lower case (`wall`), a text block in upper case (`WALL`, `IS`, `STOP`). Rules are read to the
right and downwards. Text can always be pushed; a thing can be pushed while it is PUSH and stops you while it is
STOP; anything else is walked over. The border cannot be moved, crossed or named.

After every move the rules are read again, and then it is seen who has won: a YOU on a WIN.
Noun IS noun says nothing here. Standard library only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

NOUNS = ("baba", "wall", "ball", "key", "door")
PROPERTIES = ("you", "win", "stop", "push")
STEPS: Mapping[str, tuple[int, int]] = {"idle": (0, 0), "up": (0, -1), "right": (1, 0), "down": (0, 1), "left": (-1, 0)}

Rule = tuple[str, str]
"""A noun and its property, in lower case."""

Placed = tuple[str, int, int]
"""A word, and its column and row; (0, 0) is the upper left corner of the border."""


@dataclass(frozen=True, slots=True)
class World:
    """A map at one moment: `words[i]` stands on `cells[i]`, which is row * width + column. Text comes first."""

    width: int
    height: int
    words: tuple[str, ...]
    cells: tuple[int, ...]

    @classmethod
    def of(cls, width: int, height: int, placed: Iterable[Placed]) -> "World":
        """A map of these; `width` and `height` count the border."""
        ordered = sorted(placed, key=lambda each: (not each[0].isupper(), each[2], each[1], each[0]))
        return cls(width, height, tuple(each[0] for each in ordered), tuple(y * width + x for _, x, y in ordered))

    @property
    def placed(self) -> list[Placed]:
        """What stands where, in reading order."""
        there = sorted(zip(self.cells, self.words, strict=True))
        return [(word, cell % self.width, cell // self.width) for cell, word in there]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What holds now, each rule once, in reading order."""
        texts = _texts(self.words)
        return _read(self.width, self.words[:texts], self.cells[:texts])

    def cells_of(self, prop: str) -> set[int]:
        """Where things stand that have a property now."""
        nouns = {noun for noun, held in self.rules if held == prop}
        return {cell for word, cell in zip(self.words, self.cells, strict=True) if word in nouns}

    @property
    def won(self) -> bool:
        return not self.cells_of("you").isdisjoint(self.cells_of("win"))

    @property
    def lost(self) -> bool:
        """Whether nothing is YOU any more."""
        return not self.cells_of("you")

    def after(self, action: str) -> "World":
        """The map after one action, a key of `STEPS`."""
        across, down = STEPS[action]
        shift = down * self.width + across
        return _moved(self, shift) if shift else self


def _moved(world: World, shift: int) -> World:
    """Everything that is YOU goes one cell on, the foremost first, and pushes what it meets."""
    rules = set(world.rules)
    pushed = {index for index, word in enumerate(world.words) if word.isupper() or (word, "push") in rules}
    solid = {index for index, word in enumerate(world.words) if (word, "stop") in rules} - pushed
    movers = [index for index, word in enumerate(world.words) if (word, "you") in rules]
    cells = list(world.cells)
    border = _border(world.width, world.height)
    for mover in sorted(movers, key=lambda index: -cells[index] * shift):
        train = _train(cells, cells[mover] + shift, shift, pushed, solid, border)
        if train is not None:
            for index in {mover, *train}:
                cells[index] += shift
    return World(world.width, world.height, world.words, tuple(cells))


def _train(
    cells: list[int], cell: int, shift: int, pushed: set[int], solid: set[int], border: frozenset[int]
) -> list[int] | None:
    """What is pushed along by whoever enters a cell, or `None` where it cannot be entered."""
    train: list[int] = []
    while cell not in border:
        here = [index for index, at in enumerate(cells) if at == cell]
        if not solid.isdisjoint(here):
            return None
        moving = [index for index in here if index in pushed]
        if not moving:
            return train
        train += moving
        cell += shift
    return None


@lru_cache(maxsize=64)
def _border(width: int, height: int) -> frozenset[int]:
    columns, rows = range(width), range(height)
    return frozenset(y * width + x for x in columns for y in rows if x in (0, width - 1) or y in (0, height - 1))


@lru_cache(maxsize=4096)
def _texts(words: tuple[str, ...]) -> int:
    return sum(word.isupper() for word in words)


@lru_cache(maxsize=65536)
def _read(width: int, words: tuple[str, ...], cells: tuple[int, ...]) -> tuple[Rule, ...]:
    text = {cell: word.lower() for word, cell in zip(words, cells, strict=True)}
    found: list[Rule] = []
    for cell in sorted(cell for cell, word in text.items() if word == "is"):
        for shift in (1, width):
            noun, prop = text.get(cell - shift, ""), text.get(cell + shift, "")
            if noun in NOUNS and prop in PROPERTIES and (noun, prop) not in found:
                found.append((noun, prop))
    return tuple(found)
