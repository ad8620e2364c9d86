"""What a MiniHack observation says, as places: the map, oneself, and the way from one place to another."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

Place = tuple[int, int]
Map = Mapping[Place, str]

WAYS: Mapping[str, Place] = {
    "north": (0, -1),
    "east": (1, 0),
    "south": (0, 1),
    "west": (-1, 0),
    "northeast": (1, -1),
    "southeast": (1, 1),
    "southwest": (-1, 1),
    "northwest": (-1, -1),
}
NAMES: Mapping[Place, str] = {way: name for name, way in WAYS.items()}
UNKNOWN, LIQUID, CLOSED, DOWN, BOULDER, HOME = " ", "}", "+", ">", "`", "{"
NARROW = 2
_WALLS = "|-"
_MONSTER = re.compile(r"[a-zA-Z@:;&'~]")
_SELF = re.compile(r"\(x=(\d+), y=(\d+)\)")
_MAP = re.compile(r"^map \(top left is x=(\d+), y=(\d+)\):\n(.*?)\n\n", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"^(\w): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class View:
    """One observation. `items` are what is carried, letter to words."""

    message: str
    self: Place
    map: Map
    items: Mapping[str, str]

    def at(self, place: Place) -> str:
        return self.map.get(place, UNKNOWN)

    def monsters(self) -> set[Place]:
        return {place for place, mark in self.map.items() if _MONSTER.match(mark) and place != self.self}


@lru_cache(maxsize=1024)
def view(observation: str) -> View:
    """An observation, read. What is missing from the text is empty; a missing place is (0, 0)."""
    message = observation.removeprefix("message:\n").partition("\n\nlanguage observation:")[0]
    place = _SELF.search(observation)
    drawn = _MAP.search(observation)
    marks: dict[Place, str] = {}
    if drawn:
        left, top = int(drawn[1]), int(drawn[2])
        rows = enumerate(drawn[3].split("\n"), top)
        marks = {(x, y): mark for y, row in rows for x, mark in enumerate(row, left) if mark != UNKNOWN}
    carried = observation.partition("\ninventory:\n")[2]
    return View(message, (int(place[1]), int(place[2])) if place else (0, 0), marks, dict(_ITEM.findall(carried)))


def beside(place: Place) -> Iterator[Place]:
    """The eight places around one, straight ones first."""
    return ((place[0] + dx, place[1] + dy) for dx, dy in WAYS.values())


def apart(here: Place, there: Place) -> int:
    """Steps between two places on an empty floor."""
    return max(abs(here[0] - there[0]), abs(here[1] - there[1]))


def straight(here: Place, there: Place) -> bool:
    return here[0] == there[0] or here[1] == there[1]


def is_door(seen: View, place: Place) -> bool:
    """A closed door, or an open one: a wall's mark that stands across its wall."""
    mark, (x, y) = seen.at(place), place
    if mark == "|":
        return seen.at((x - 1, y)) in "-+" and seen.at((x + 1, y)) in "-+"
    if mark == "-":
        return seen.at((x, y - 1)) in "|+" and seen.at((x, y + 1)) in "|+"
    return mark == CLOSED


def walkable(seen: View, place: Place) -> bool:
    """Whether one could stand there, as far as the map tells."""
    mark = seen.at(place)
    if mark in (UNKNOWN, LIQUID, BOULDER) or place in seen.monsters():
        return False
    return mark not in _WALLS or is_door(seen, place)


def is_narrow(seen: View, place: Place) -> bool:
    """Whether at most `NARROW` can stand beside it, as far as is known."""
    monsters = seen.monsters()
    return sum(walkable(seen, there) or there in monsters for there in beside(place)) <= NARROW


def ways_from(start: Place, steps: Callable[[Place], Iterator[Place]]) -> Mapping[Place, tuple[Place, ...]]:
    """The shortest way to every place that can be reached, the start's own being empty; nearest first."""
    ways: dict[Place, tuple[Place, ...]] = {start: ()}
    queue = [start]
    for place in queue:
        for following in steps(place):
            if following not in ways:
                ways[following] = (*ways[place], following)
                queue.append(following)
    return ways
