"""What this episode has taught so far: where one was, which steps led nowhere, which remedies were tried."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from evolve.agents import Situation
from evolve.agents.scripted.minihack_map import CLOSED, WAYS, Place, View, is_door, straight, view, walkable
from evolve.agents.scripted.minihack_memory import Attempt, asks, attempts

PATIENCE = 2


@dataclass(frozen=True, slots=True)
class Past:
    """`bumps` counts steps that led nowhere, by (from, to, mark there); `refused` are places not to be attacked."""

    visited: frozenset[Place]
    doors: frozenset[Place]
    bumps: Counter[tuple[Place, Place, str]]
    refused: frozenset[Place]
    tried: tuple[Attempt, ...]

    def steps(self, seen: View, place: Place) -> Iterator[Place]:
        """Where one step leads from a place, as far as is known."""
        for dx, dy in WAYS.values():
            there = (place[0] + dx, place[1] + dy)
            through = self.is_door(seen, place) or self.is_door(seen, there)
            if walkable(seen, there) and not self.shut(seen, place, there) and (straight(place, there) or not through):
                yield there

    def is_door(self, seen: View, place: Place) -> bool:
        return place in self.doors or is_door(seen, place)

    def shut(self, seen: View, place: Place, there: Place) -> bool:
        """Whether the step was tried in vain, and nothing has changed there since."""
        mark = seen.at(there)
        return self.bumps[place, there, mark] >= (1 if mark == CLOSED else PATIENCE)


def read_past(situation: Situation) -> Past:
    """The past of an episode; its present is `situation.observation`."""
    before = view(situation.first)
    visited, doors, refused = {before.self}, set[Place](), set[Place]()
    bumps: Counter[tuple[Place, Place, str]] = Counter()
    for turn in situation.history:
        after = view(turn.observation)
        name = turn.action.removeprefix("far ")
        if name in WAYS and not asks(before):
            there = (before.self[0] + WAYS[name][0], before.self[1] + WAYS[name][1])
            if asks(after):
                refused.add(there)
            if after.self == before.self and there not in before.monsters():
                bumps[before.self, there, after.at(there)] += 1
            visited.update(_between(before.self, after.self))
            doors.update(place for place in (there, after.self) if is_door(before, place))
        before = after
    tried = tuple(attempts(situation.first, situation.history))
    return Past(frozenset(visited), frozenset(doors), bumps, frozenset(refused), tried)


def _between(here: Place, there: Place) -> Iterator[Place]:
    """All places on a straight way, its ends too; of a bent one the end only."""
    across, down = there[0] - here[0], there[1] - here[1]
    length = max(abs(across), abs(down))
    if length and abs(across) in (0, length) and abs(down) in (0, length):
        for step in range(length):
            yield here[0] + across // length * step, here[1] + down // length * step
    yield there
