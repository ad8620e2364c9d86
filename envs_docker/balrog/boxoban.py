"""Boxoban levels of our own, in the published format: ten rows of ten, four boxes, each level proven solvable.

`#` wall, ` ` floor, `$` box, `.` goal, `@` player. A level is made backwards: boxes stand on the goals and are pulled
away from them. Then the solver has to win it forwards. Standard library only.
"""

import itertools
import random
from collections.abc import Collection

from boxoban_solver import DOWN, LEFT, SHIFTS, SIZE, UP, Puzzle, reachable, solve

BOXES = 4
FLOOR = 36
PULLS = 60
FEWEST_PUSHES = 10
LONGEST = 90
"""Moves of the longest level: below the 100 steps that an episode may take."""

_INSIDE = frozenset(y * SIZE + x for y in range(1, SIZE - 1) for x in range(1, SIZE - 1))


def boxoban_levels(seed: int, count: int) -> list[str]:
    """So many levels, each ten lines of ten characters; the same for the same seed, whatever the count."""
    return [_level(f"boxoban:{seed}:{number}") for number in range(count)]


def _level(name: str) -> str:
    for attempt in itertools.count():
        puzzle = _drawn(random.Random(f"{name}:{attempt}"))
        if puzzle.goals.isdisjoint({*puzzle.boxes, puzzle.player}):
            moves = solve(puzzle)
            if moves is not None and len(moves) <= LONGEST and _pushes(puzzle, moves) >= FEWEST_PUSHES:
                return str(puzzle)
    raise AssertionError("counting does not end")


def _drawn(chance: random.Random) -> Puzzle:
    floor = _carved(chance)
    goals = frozenset(chance.sample(sorted(floor), BOXES))
    boxes, player = _pulled_apart(floor, goals, chance)
    return Puzzle(frozenset(floor), goals, boxes, player)


def _carved(chance: random.Random) -> set[int]:
    """A room dug by a walk that likes to go on straight, two cells wide here and there."""
    cell = chance.choice(sorted(_INSIDE))
    shift = chance.choice(SHIFTS)
    floor = {cell}
    while len(floor) < FLOOR:
        if chance.random() < 0.35:
            shift = chance.choice(SHIFTS)
        if cell + shift not in _INSIDE:
            shift = chance.choice(SHIFTS)
            continue
        cell += shift
        beside = cell + (LEFT if shift in (UP, DOWN) else UP)
        floor |= {cell, beside} & _INSIDE if chance.random() < 0.4 else {cell}
    return floor


def _pulled_apart(floor: set[int], goals: frozenset[int], chance: random.Random) -> tuple[frozenset[int], int]:
    """Boxes that were pulled off the goals by chance, and where the player stands then."""
    boxes = set(goals)
    player = chance.choice(sorted(floor - boxes))
    for _ in range(PULLS):
        pulls = _pulls(floor, boxes, player)
        if not pulls:
            break
        box, shift = chance.choice(pulls)
        boxes = (boxes - {box}) | {box + shift}
        player = box + 2 * shift
    return frozenset(boxes), player


def _pulls(floor: set[int], boxes: set[int], player: int) -> list[tuple[int, int]]:
    """Each box and the way that it can be pulled: one steps back from it and it follows."""
    free = floor - boxes
    reached = reachable(frozenset(free), player)
    return [
        (box, shift) for box in sorted(boxes) for shift in SHIFTS if box + shift in reached and box + 2 * shift in free
    ]


def _pushes(puzzle: Puzzle, moves: Collection[int]) -> int:
    """How many of the moves push a box."""
    boxes, player, pushes = set(puzzle.boxes), puzzle.player, 0
    for shift in moves:
        player += shift
        if player in boxes:
            boxes = (boxes - {player}) | {player + shift}
            pushes += 1
    return pushes
