"""A short way to win a map: A* over the rules themselves, so that what it finds has been played.

What it thinks to be left is exact enough that the way is nearly always the shortest; it may be longer where several
blocks have to be pushed at once.
"""

import heapq
import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from baba_rules import NOUNS, STEPS, Rule, World

FAR = 1 << 20
_MOVES = tuple(action for action in STEPS if action != "idle")
_Way = tuple["_Way", str] | None


def solve(start: World, limit: int, patience: int = 1_500) -> tuple[str, ...] | None:
    """Actions that win, at most `limit` of them; `None` where none were found in `patience` looks at a map."""
    order = itertools.count()
    best = {start.cells: 0}
    queue: list[tuple[int, int, int, World, _Way]] = [(_left(start), 0, next(order), start, None)]
    for _ in range(patience):
        if not queue:
            break
        _, taken, _, world, way = heapq.heappop(queue)
        if world.won:
            return _actions(way)
        if best[world.cells] < -taken:
            continue
        for action in _MOVES:
            after, steps = world.after(action), 1 - taken
            if best.get(after.cells, FAR) > steps and steps + (left := _left(after)) <= limit:
                best[after.cells] = steps
                heapq.heappush(queue, (steps + left, -steps, next(order), after, (way, action)))
    return None


def _actions(way: _Way) -> tuple[str, ...]:
    actions: list[str] = []
    while way is not None:
        way, action = way
        actions.append(action)
    return tuple(reversed(actions))


@dataclass(frozen=True, slots=True)
class _Making:
    """A way to make a rule, and how many pushes it takes at least.

    `routes` tell where one has to stand to begin to push the noun's block, how many steps it takes from there,
    and where one stands afterwards. There are none where the place that it has to go to is not sure.
    """

    pushes: int
    routes: tuple[tuple[int, int, int], ...] = ()

    def cost(self, yous: Collection[int], approach: int, targets: Collection[int], width: int) -> int:
        """About how many steps it takes to make the rule, and then to reach one of the targets."""
        if not self.pushes:
            return 0
        ways = [
            _nearest(yous, [begin], width) + steps + (_nearest(targets, [end], width) if targets else 0)
            for begin, steps, end in self.routes
        ]
        return min(ways, default=self.pushes + approach)


def _left(world: World) -> int:
    """About how many steps are left to win: rules have to be pushed together, and a YOU has to reach a WIN."""
    things: dict[str, list[int]] = {}
    texts: list[int] = []
    for word, cell in zip(world.words, world.cells, strict=True):
        (texts if word.isupper() else things.setdefault(word, [])).append(cell)
    makings = _makings(world.width, world.height, world.words[: len(texts)], tuple(texts))
    yous, width = world.cells_of("you"), world.width
    approach = _nearest(yous, texts, width) - 1
    left = FAR
    for noun, cells in things.items():
        becoming = min((each.cost(yous, approach, (), width) for each in makings[noun, "you"]), default=FAR)
        for aim, targets in things.items():
            ways = makings[aim, "win"]
            costs = (each.pushes if becoming else each.cost(yous, approach, targets, width) for each in ways)
            left = min(left, max(becoming, min(costs, default=FAR), _nearest(cells, targets, width)))
    return left


@lru_cache(maxsize=65536)
def _makings(
    width: int, height: int, words: tuple[str, ...], cells: tuple[int, ...]
) -> Mapping[Rule, tuple[_Making, ...]]:
    """For each noun, how it can become YOU and WIN."""
    where: dict[str, list[int]] = {}
    for word, cell in zip(words, cells, strict=True):
        where.setdefault(word.lower(), []).append(cell)
    fixed = _fixed(width, height, cells)
    found: dict[Rule, tuple[_Making, ...]] = {}
    for noun, prop in itertools.product(NOUNS, ("you", "win")):
        ways = itertools.product(where.get(noun, ()), where.get("is", ()), where.get(prop, ()), (1, width))
        makings = (_making(*way, (width, height), fixed) for way in ways)
        found[noun, prop] = tuple(making for making in makings if making is not None)
    return found


def _making(
    block: int, middle: int, last: int, shift: int, size: tuple[int, int], fixed: frozenset[int]
) -> _Making | None:
    slot, width = last - 2 * shift, size[0]
    moves = [(block, slot), (middle, last - shift)]
    pushes = max(_apart(start, end, width) for start, end in moves)
    if last in fixed and any(_stuck(start, end, size, fixed) for start, end in moves):
        return None
    return _Making(pushes, _routes(block, slot, width))


def _routes(block: int, slot: int, width: int) -> tuple[tuple[int, int, int], ...]:
    """How one block is pushed to its place: along the row and then along the column, or the other way round."""
    across, down = slot % width - block % width, slot // width - block // width
    sideways, upright = _sign(across), _sign(down) * width
    if not across or not down:
        shift = sideways or upright
        return ((block - shift, abs(across) + abs(down), slot - shift),) if shift else ()
    steps = abs(across) + abs(down) + 2
    return (block - sideways, steps, slot - upright), (block - upright, steps, slot - sideways)


def _stuck(start: int, end: int, size: tuple[int, int], fixed: frozenset[int]) -> bool:
    """Whether a block can never get there: nobody can get between it and the border, or one of them is taken."""
    if start == end:
        return False
    width, height = size
    (row, column), (to_row, to_column) = divmod(start, width), divmod(end, width)
    leaves = (row in (1, height - 2) and row != to_row) or (column in (1, width - 2) and column != to_column)
    return leaves or start in fixed or end in fixed


def _fixed(width: int, height: int, cells: tuple[int, ...]) -> frozenset[int]:
    """Blocks that nobody can ever move: those in corners, and along the border those beside one of these."""
    taken = set(cells)
    fixed: set[int] = set()
    for corner, across, down in _corners(width, height):
        for shift in (across, down):
            cell = corner
            while cell in taken:
                fixed.add(cell)
                cell += shift
    return frozenset(fixed)


def _corners(width: int, height: int) -> list[tuple[int, int, int]]:
    """Each corner within the border, and the ways from it along a row and along a column."""
    return [
        (y * width + x, 1 if x == 1 else -1, width if y == 1 else -width)
        for x in (1, width - 2)
        for y in (1, height - 2)
    ]


def _nearest(some: Iterable[int], others: Iterable[int], width: int) -> int:
    return min((_apart(one, other, width) for one, other in itertools.product(some, others)), default=FAR)


def _apart(one: int, other: int, width: int) -> int:
    down, across = one // width - other // width, one % width - other % width
    return abs(down) + abs(across)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
