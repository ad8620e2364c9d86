"""Fighting: where one stands, or first drawing back to where few can come near. Memory says which of the two won."""

from collections.abc import Iterator

from evolve.agents.scripted.minihack_map import NAMES, Place, View, apart, beside, is_narrow
from evolve.agents.scripted.minihack_walk import Ways

MANY, NEAR = 2, 6


def fight(now: View, refused: frozenset[Place], ways: Ways, *, draws_back: bool) -> Iterator[str]:
    """What to do about monsters; nothing where none is worth it. Those in `refused` places are let be."""
    foes = [place for place in now.monsters() - refused if apart(place, now.self) <= NEAR]
    if draws_back and len(foes) >= MANY:
        yield from _draw_back(now, ways)
    for place in beside(now.self):
        if place in foes:
            yield NAMES[place[0] - now.self[0], place[1] - now.self[1]]


def _draw_back(now: View, ways: Ways) -> Iterator[str]:
    """A step to the nearest narrow place; there, waiting for who comes."""
    if is_narrow(now, now.self):
        if not any(place in now.monsters() for place in beside(now.self)):
            yield from ("search", "wait")
        return
    place = next((place for place in ways if is_narrow(now, place)), None)
    if place is not None and len(ways[place]) <= NEAR:
        step = ways[place][0]
        yield NAMES[step[0] - now.self[0], step[1] - now.self[1]]
