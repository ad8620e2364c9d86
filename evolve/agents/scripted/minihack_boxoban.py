"""Boxoban solved: which way to walk so that every boulder comes to lie on a fountain."""

import heapq
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise, permutations

from evolve.agents.scripted.minihack_map import BOULDER, HOME, UNKNOWN, WAYS, Place, View

STRAIGHT = tuple(WAYS[name] for name in ("north", "east", "south", "west"))
MOST_STATES = 30_000
EAGER = 3
"""How much more a push that is left weighs than one that was made: more finds a solution sooner, and a longer one."""
FAR = 1_000

Boxes = frozenset[Place]
State = tuple[Place, Boxes]


@dataclass(frozen=True, slots=True)
class Push:
    """A push to `after`, made from where the player stands beside the box in `before`; None made the first state."""

    before: "Push | None"
    stand: Place
    after: State
    count: int = 0


def next_place(first: View, now: View) -> Place | None:
    """Where to step next on the way to the solution; None where none is found. The homes are those first seen."""
    homes = _marked(first, HOME)
    floor = frozenset(place for place, mark in first.map.items() if mark not in ("#", UNKNOWN))
    here = (now.self, _marked(now, BOULDER))
    trail = solution(floor, homes, _marked(first, BOULDER), first.self)
    if trail and here not in trail[:-1]:
        trail = solution(floor, homes, here[1], here[0])
    following = dict(pairwise(trail)).get(here)
    return following[0] if following else None


@lru_cache(maxsize=64)
def solution(floor: Boxes, homes: Boxes, boxes: Boxes, player: Place) -> tuple[State, ...]:
    """Every state on the way, the start first; empty where none is found among `MOST_STATES`."""
    estimate = _estimate(floor, homes)
    queue = [(0, 0, Push(None, player, (player, boxes)))]
    closed: set[State] = set()
    made = 0
    while queue and made < MOST_STATES:
        last = heapq.heappop(queue)[2]
        if homes <= last.after[1]:
            return tuple(_walked(floor, last))
        reached = _distances(floor - last.after[1], last.after[0])
        if (alike := (min(reached), last.after[1])) in closed:
            continue
        closed.add(alike)
        for stand, after in _pushes(floor, last.after[1], reached):
            left = estimate(after[1])
            if left < FAR:
                made += 1
                heapq.heappush(queue, (last.count + EAGER * left, made, Push(last, stand, after, last.count + 1)))
    return ()


def _estimate(floor: Boxes, homes: Boxes) -> Callable[[Boxes], int]:
    """How many pushes are at least left; `FAR` or more where a box can never come home."""
    pulls = [_pulls(floor, home) for home in sorted(homes)]

    @cache
    def left(boxes: Boxes) -> int:
        costs = [[each.get(box, FAR) for each in pulls] for box in boxes]
        orders = permutations(range(len(costs)), len(pulls))
        return min((sum(costs[box][home] for home, box in enumerate(order)) for order in orders), default=FAR)

    return left


def _pushes(floor: Boxes, boxes: Boxes, reached: Collection[Place]) -> Iterator[tuple[Place, State]]:
    """Every push that can be walked to: where the player stands for it, and the state after it."""
    for box in sorted(boxes):
        for dx, dy in STRAIGHT:
            stand, ahead = (box[0] - dx, box[1] - dy), (box[0] + dx, box[1] + dy)
            if stand in reached and ahead in floor and ahead not in boxes:
                yield stand, (box, boxes - {box} | {ahead})


def _pulls(floor: Boxes, home: Place) -> Mapping[Place, int]:
    """From where a box can be pushed home were it alone, and in how many pushes."""
    found, queue = {home: 0}, [home]
    for place in queue:
        for dx, dy in STRAIGHT:
            origin, player = (place[0] + dx, place[1] + dy), (place[0] + 2 * dx, place[1] + 2 * dy)
            if origin in floor and player in floor and origin not in found:
                found[origin] = found[place] + 1
                queue.append(origin)
    return found


def _distances(free: Boxes, start: Place) -> Mapping[Place, int]:
    """How far every place is that can be walked to."""
    found, queue = {start: 0}, [start]
    for place in queue:
        for dx, dy in STRAIGHT:
            there = (place[0] + dx, place[1] + dy)
            if there in free and there not in found:
                found[there] = found[place] + 1
                queue.append(there)
    return found


def _walked(floor: Boxes, last: Push) -> Iterator[State]:
    """Every state from the first on, the steps between the pushes too."""
    if last.before is None:
        yield last.after
        return
    yield from _walked(floor, last.before)
    player, boxes = last.before.after
    away = _distances(floor - boxes, last.stand)
    while player != last.stand:
        beside = ((player[0] + dx, player[1] + dy) for dx, dy in STRAIGHT)
        player = min((place for place in beside if place in away), key=lambda place: away[place])
        yield player, boxes
    yield last.after


def _marked(seen: View, mark: str) -> Boxes:
    return frozenset(place for place, there in seen.map.items() if there == mark)
