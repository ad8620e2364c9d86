"""A map in the drawing: words are put on given cells, or on a free cell by chance."""

import random
from collections.abc import Iterable

from baba_rules import Placed, World

Cell = tuple[int, int]
"""Column and row."""


class Draft:
    """A map that is being drawn. Two words never share a cell."""

    def __init__(self, width: int, height: int, chance: random.Random) -> None:
        self._width, self._height, self._chance = width, height, chance
        self._words: dict[Cell, str] = {}

    def put(self, word: str, cell: Cell) -> None:
        self._words[cell] = word

    def rule(self, noun: str, prop: str, start: Cell) -> None:
        """`noun IS prop` from left to right."""
        for offset, word in enumerate((noun, "is", prop)):
            self.put(word.upper(), (start[0] + offset, start[1]))

    def place(self, word: str, cells: Iterable[Cell]) -> None:
        """Put a word on a free one of these cells."""
        self.put(word, self._chance.choice([cell for cell in cells if cell not in self._words]))

    def move(self, start: Cell, cells: Iterable[Cell]) -> None:
        """Take what stands there to a free one of these cells."""
        word = self._words[start]
        self.place(word, cells)
        del self._words[start]

    @property
    def world(self) -> World:
        placed: list[Placed] = [(word, x, y) for (x, y), word in self._words.items()]
        return World.of(self._width, self._height, placed)


def area(left: int, top: int, right: int, bottom: int) -> list[Cell]:
    """The cells of a rectangle, both corners included."""
    return [(x, y) for y in range(top, bottom + 1) for x in range(left, right + 1)]
