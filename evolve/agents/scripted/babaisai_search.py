"""Ways to what the agent wants next, looked for on the map as it pictures it."""

import heapq
import itertools
from collections.abc import Callable, Iterable
from functools import lru_cache

from evolve.agents.scripted.babaisai_map import STEPS, Place, Scene
from evolve.agents.scripted.babaisai_memory import BREAK_STOP, MAKE_WALL_WIN, MAKE_WIN, MAKE_YOU

PATIENCE = 800
"""So many pictures are looked at before a step of a plan is held to be impossible."""
LONGEST = 18
FAR = 1000

Test = Callable[[Scene], bool]
Estimate = Callable[[Scene], int]


@lru_cache(maxsize=4096)
def way_to(step: str, scene: Scene) -> tuple[str, ...] | None:
    """Actions that do one step of a plan: none if it is done already, `None` if no way is seen."""
    return _search(scene, lambda now: is_done(step, now), lambda now: _left(step, now))


@lru_cache(maxsize=4096)
def walk_to(targets: frozenset[Place], scene: Scene, within: int = 0) -> tuple[str, ...] | None:
    """Steps that bring a YOU so near to one of the places, nothing pushed; `None` if there is no such walk."""
    return _search(scene, lambda now: nearest(now.with_property("you"), targets) <= within, lambda _: 0, pushes=False)


def is_done(step: str, scene: Scene) -> bool:
    """Whether what a step of a plan wants holds already."""
    if step == BREAK_STOP:
        return not any(prop == "stop" for _, prop in scene.rules)
    there = {noun for noun, prop in scene.rules if prop == _property(step) and scene.where(noun)}
    return not there.isdisjoint(_nouns(step, scene))


def blocks(step: str, scene: Scene) -> set[str]:
    """The text blocks that a step of a plan would push."""
    return {"STOP"} if step == BREAK_STOP else {noun.upper() for noun in _nouns(step, scene)}


def nearest(some: Iterable[Place], others: Iterable[Place]) -> int:
    """The least number of steps between any two of them."""
    pairs = itertools.product(some, others)
    return min((abs(x - to_x) + abs(y - to_y) for (x, y), (to_x, to_y) in pairs), default=FAR)


def _search(scene: Scene, test: Test, left: Estimate, *, pushes: bool = True) -> tuple[str, ...] | None:
    order = itertools.count()
    queue: list[tuple[int, int, Scene, tuple[str, ...]]] = [(0, next(order), scene, ())]
    seen = {scene}
    for _ in range(PATIENCE):
        if not queue:
            return None
        _, _, now, way = heapq.heappop(queue)
        if test(now):
            return way
        for action in STEPS if len(way) < LONGEST else ():
            after = now.after(action)
            if after not in seen and (pushes or _same_texts(now, after)) and after.with_property("you"):
                seen.add(after)
                heapq.heappush(queue, (len(way) + 1 + left(after), next(order), after, (*way, action)))
    return None


def _same_texts(before: Scene, after: Scene) -> bool:
    pairs = zip(before.words, before.places, after.places, strict=True)
    return all(place == other for word, place, other in pairs if word.isupper())


def _property(step: str) -> str:
    return "you" if step == MAKE_YOU else "win"


def _nouns(step: str, scene: Scene) -> set[str]:
    """What may be made YOU or WIN: walls where the plan says so, and else an object that is there."""
    things = {word for word in scene.words if word.islower()}
    return {MAKE_WALL_WIN: {"wall"}, MAKE_WIN: things - {"baba", "wall"}, MAKE_YOU: things - {"baba", "wall"}}[step]


def _left(step: str, scene: Scene) -> int:
    """About how many steps are left: to go to a block, and to push it."""
    yous = scene.with_property("you")
    if step == BREAK_STOP:
        return nearest(yous, scene.where("STOP", "IS", "WALL")) - 1
    last = scene.where(_property(step).upper())
    left = FAR
    for noun in _nouns(step, scene):
        for block, (x, y) in itertools.product(scene.where(noun.upper()), last):
            for slot in ((x - 2, y), (x, y - 2)):
                pushes = nearest([block], [slot])
                left = min(left, pushes + _detour(yous, block, slot) if pushes else 1)
    return left


def _detour(yous: list[Place], block: Place, slot: Place) -> int:
    """The walk to where pushing begins, and the turn where it goes round a corner."""
    across, down = slot[0] - block[0], slot[1] - block[1]
    behind = []
    if across:
        behind.append((block[0] - (1 if across > 0 else -1), block[1]))
    if down:
        behind.append((block[0], block[1] - (1 if down > 0 else -1)))
    return nearest(yous, behind) + (2 if across and down else 0)
