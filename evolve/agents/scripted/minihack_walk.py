"""Where to walk: to the stairs, else to the edge of what is known."""

from collections.abc import Iterator, Mapping

from evolve.agents import Situation
from evolve.agents.scripted.minihack_map import DOWN, NAMES, UNKNOWN, Place, View, apart, beside
from evolve.agents.scripted.minihack_past import Past

RUN = 3
"""So many steps straight ahead are worth a far move."""

Ways = Mapping[Place, tuple[Place, ...]]


def target(now: View, past: Past, end: Place | None, ways: Ways) -> Place | None:
    """The stairs if they can be reached, else the best place at the edge of what is known; None where there is none.

    Best is nearest; where an end is known or the stairs are in sight, nearest on the way to them.
    """
    stairs = next((place for place, mark in now.map.items() if mark == DOWN), None)
    if stairs in ways:
        return stairs
    goal = stairs or end
    edge = [place for place in ways if place not in past.visited and any(_unknown(now, beside(place)))]
    return min(edge, key=lambda place: len(ways[place]) + (apart(place, goal) if goal else 0), default=None)


def along(situation: Situation, now: View, way: tuple[Place, ...]) -> Iterator[str]:
    """The first step of a way: a far move where the way is straight for a while."""
    if not way:
        return
    step = (way[0][0] - now.self[0], way[0][1] - now.self[1])
    run = [(now.self[0] + step[0] * n, now.self[1] + step[1] * n) for n in range(1, RUN + 1)]
    if list(way[:RUN]) == run and f"far {NAMES[step]}" in situation.actions:
        yield f"far {NAMES[step]}"
    yield NAMES[step]


def _unknown(now: View, places: Iterator[Place]) -> Iterator[bool]:
    return (now.at(place) == UNKNOWN for place in places)
