"""What an ALFWorld agent has seen so far, read from its observations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from evolve.agents import Situation
from evolve.agents.scripted.alfworld_memory import THING, kind, sights_in

ROOM = re.compile(r"you see ([^.\n]*)")
ARRIVED = re.compile(rf"(?:arrive at|facing the) (?:the )?({THING})")
TOOK = re.compile(rf"you (?:pick up|take) the ({THING}) from")
PUT = re.compile(rf"you (?:move|put) the ({THING}) (?:to|in/on|in|on) the ({THING})")
TREATED = re.compile(rf"you (?:heat|cool|clean) the ({THING}) (?:using|with)")


@dataclass(slots=True)
class Scene:
    """`places` in the order of the room's text; `sights` are the things last seen at each place that was looked into.

    `brought` are things put down, with their places; `treated` what was heated, cooled or cleaned.
    """

    places: tuple[str, ...] = ()
    here: str = ""
    held: str = ""
    sights: dict[str, list[str]] = field(default_factory=dict)
    brought: list[tuple[str, str]] = field(default_factory=list)
    treated: set[str] = field(default_factory=set)

    def known(self, wanted: str) -> Iterator[tuple[str, str]]:
        """Where things of a kind were last seen, what is here first."""
        for place in sorted(self.sights, key=lambda place: place != self.here):
            for thing in self.sights[place]:
                if kind(thing) == wanted:
                    yield place, thing

    def take_in(self, observation: str) -> None:
        """Add what an observation says."""
        if found := ARRIVED.search(observation):
            self.here = found.group(1)
        for place, things in sights_in(observation):
            self.sights[place] = list(things)
        if found := TOOK.search(observation):
            self._took(found.group(1))
        elif found := PUT.search(observation):
            self._put(*found.groups())
        elif found := TREATED.search(observation):
            self.treated.add(found.group(1))

    def _took(self, thing: str) -> None:
        self.held = thing
        self.brought = [(other, place) for other, place in self.brought if other != thing]
        for things in self.sights.values():
            if thing in things:
                things.remove(thing)

    def _put(self, thing: str, place: str) -> None:
        self.held = ""
        self.brought.append((thing, place))
        self.sights.setdefault(place, []).append(thing)


def read_scene(situation: Situation) -> Scene:
    """What the whole episode so far has shown. Never raises."""
    first = situation.first.lower()
    room = ROOM.search(first)
    scene = Scene(places=tuple(dict.fromkeys(re.findall(THING, room.group(1)))) if room else ())
    for turn in situation.history:
        scene.take_in(turn.observation.lower())
    return scene
