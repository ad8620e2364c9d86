"""Sokoban on a small board: what a puzzle is, and a way to solve it, found push by push."""

import heapq
import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

SIZE = 10
UP, RIGHT, DOWN, LEFT = -SIZE, 1, SIZE, -1
SHIFTS = (UP, RIGHT, DOWN, LEFT)
HASTE = 2
"""How much more the pushes that are left weigh than those done: above 1, ways are found sooner and are longer."""

_Path = tuple["_Path", int, int] | None
"""What was pushed before, the box, and the way it went."""


@dataclass(frozen=True, slots=True)
class Puzzle:
    """A board of `SIZE` by `SIZE` cells, each numbered row * `SIZE` + column."""

    floor: frozenset[int]
    goals: frozenset[int]
    boxes: frozenset[int]
    player: int

    @classmethod
    def parse(cls, text: str) -> "Puzzle":
        """Reads a level; `*` is a box and `+` the player on a goal."""
        cells = dict(enumerate(text.replace("\n", "")))
        walls, goals, boxes, (player,) = (_marked(cells, marks) for marks in ("#", ".*+", "$*", "@+"))
        return cls(frozenset(cells) - walls, goals, boxes, player)

    def __str__(self) -> str:
        rows = range(SIZE)
        return "\n".join("".join(self._mark(y * SIZE + x) for x in rows) for y in rows)

    def _mark(self, cell: int) -> str:
        if cell not in self.floor:
            return "#"
        thing = "$" if cell in self.boxes else "@" if cell == self.player else " "
        return {"$": "*", "@": "+", " ": "."}[thing] if cell in self.goals else thing


def solve(puzzle: Puzzle, patience: int = 5_000) -> tuple[int, ...] | None:
    """Moves that bring every box to a goal, each the shift of a cell; `None` where `patience` boards show none."""
    order = itertools.count()
    far = _pushes_to(puzzle.floor, puzzle.goals)
    seen: set[tuple[frozenset[int], int]] = set()
    queue: list[tuple[int, int, int, frozenset[int], int, _Path]] = []
    heapq.heappush(queue, (0, 0, next(order), puzzle.boxes, puzzle.player, None))
    while queue and len(seen) < patience:
        _, pushes, _, boxes, player, path = heapq.heappop(queue)
        if boxes == puzzle.goals:
            return _moves(puzzle, path)
        reached = reachable(puzzle.floor - boxes, player)
        key = boxes, min(reached)
        if key in seen:
            continue
        seen.add(key)
        for box, shift in _possible(puzzle.floor, boxes, reached):
            if box + shift in far:
                after = (boxes - {box}) | {box + shift}
                left = sum(far[each] for each in after if each in far)
                node = (pushes + 1 + HASTE * left, pushes + 1, next(order), after, box, (path, box, shift))
                heapq.heappush(queue, node)
    return None


def _marked(cells: Mapping[int, str], marks: str) -> frozenset[int]:
    return frozenset(cell for cell, mark in cells.items() if mark in marks)


def reachable(free: frozenset[int], start: int) -> set[int]:
    """Where one can walk to."""
    return set(_walk(free, start))


def _possible(floor: frozenset[int], boxes: frozenset[int], reached: set[int]) -> Iterator[tuple[int, int]]:
    for box in sorted(boxes):
        for shift in SHIFTS:
            if box - shift in reached and box + shift in floor and box + shift not in boxes:
                yield box, shift


@lru_cache(maxsize=8)
def _pushes_to(floor: frozenset[int], goals: frozenset[int]) -> dict[int, int]:
    """How many pushes a lone box needs to the nearest goal, for all cells out of which one can be pushed there."""
    far = dict.fromkeys(goals, 0)
    edge = deque(sorted(goals))
    while edge:
        cell = edge.popleft()
        for shift in SHIFTS:
            if cell - shift in floor and cell - 2 * shift in floor and cell - shift not in far:
                far[cell - shift] = far[cell] + 1
                edge.append(cell - shift)
    return far


def _moves(puzzle: Puzzle, path: _Path) -> tuple[int, ...]:
    """The pushes, and the walks between them."""
    pushes: list[tuple[int, int]] = []
    while path is not None:
        path, box, shift = path
        pushes.append((box, shift))
    moves: list[int] = []
    boxes, player = puzzle.boxes, puzzle.player
    for box, shift in reversed(pushes):
        moves += _walk(puzzle.floor - boxes, player)[box - shift]
        moves.append(shift)
        boxes, player = (boxes - {box}) | {box + shift}, box
    return tuple(moves)


def _walk(free: frozenset[int], start: int) -> dict[int, tuple[int, ...]]:
    """The shortest walk to every cell that can be reached."""
    ways: dict[int, tuple[int, ...]] = {start: ()}
    edge = deque([start])
    while edge:
        cell = edge.popleft()
        for shift in SHIFTS:
            if cell + shift in free and cell + shift not in ways:
                ways[cell + shift] = (*ways[cell], shift)
                edge.append(cell + shift)
    return ways
