"""What a TextWorld agent knows of the world: where it is, the map, what lies where, what it carries."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from evolve.agents import Situation
from evolve.agents.scripted.steps import PATIENCE
from evolve.agents.scripted.textworld_text import FLOOR, OPPOSITE, Exit, Room, names, read_room, things_in

GO = re.compile(r"^go (north|east|south|west)$")
GOT = re.compile(r"you (?:take|pick up) the ([^.\n]+?) from the ([^.\n]+)", re.I)
OPENED = re.compile(r"^you open (?:the )?([^.,\n]+)", re.I | re.M)
UNLOCKED = re.compile(r"^you unlock (?:the )?([^.,\n]+)", re.I | re.M)
LOCKED = re.compile(r"you have to unlock the ([^.\n]+?) with the ([^.\n]+?) first", re.I)
CARRYING = re.compile(r"you are carrying:?\s*([^.]+)", re.I)
GAINED = re.compile(r"\s*you (?:take|pick up|fried|roasted|grilled|burned|slice|dice|chop) ", re.I)
EFFECT = re.compile(
    r"\byou (?:take|pick up|open|close|unlock|lock|drop|put|fried|roasted|grilled|burned|slice|dice|chop|eat|drink) "
    r"|adding the meal|you are carrying|recipe #",
    re.I,
)
"""What says that a step did something; every other answer that describes no room is a refusal."""


@dataclass(slots=True)
class World:
    """Rooms by title. `ways[room][direction]` is the room that lies there, once it was walked.

    `passed` are closed doors that were left closed on the way back, with how many things were held then; `roamed` the
    rooms entered since something was last taken, cut or cooked.
    """

    here: str = ""
    rooms: dict[str, Room] = field(default_factory=dict)
    ways: dict[str, dict[str, str]] = field(default_factory=dict)
    things: dict[str, tuple[str, str]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    opened: set[tuple[str, str]] = field(default_factory=set)
    locks: dict[tuple[str, str], str] = field(default_factory=dict)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    unlocked: list[tuple[str, str]] = field(default_factory=list)
    passed: dict[tuple[str, str], int] = field(default_factory=dict)
    roamed: set[str] = field(default_factory=set)

    @property
    def worn(self) -> frozenset[str]:
        """What changed nothing here so often that it is not tried again here."""
        return frozenset(
            action for (room, action), times in self.refusals.items() if room == self.here and times >= PATIENCE
        )

    def shut(self, room: str, way: Exit) -> bool:
        return way.closed and (room, way.door) not in self.opened

    def refused(self, action: str) -> bool:
        return bool(self.refusals[self.here, action])

    def closed(self) -> Iterator[tuple[str, str]]:
        """Each (room, name) of what may be closed, was not opened and is not known to be locked."""
        mentioned = [(title, name) for title, room in self.rooms.items() for name in room.closed]
        for title, name in dict.fromkeys([*self.unlocked, *mentioned]):
            tried = self.refusals[title, f"open {name}"]
            if not tried and (title, name) not in self.opened and (title, name) not in self.locks:
                yield title, name

    def distances(self) -> dict[str, int]:
        """Steps to every room that can be reached by ways already walked."""
        reached, queue = {self.here: 0}, deque([self.here])
        while queue:
            room = queue.popleft()
            for other in self.ways.get(room, {}).values():
                if other not in reached:
                    reached[other] = reached[room] + 1
                    queue.append(other)
        return reached

    def toward(self, goal: str) -> str:
        """The direction of the first step to a room already visited; empty where there is none."""
        came: dict[str, tuple[str, str]] = {}
        queue, reached = deque([self.here]), {self.here}
        while queue:
            room = queue.popleft()
            for direction, other in self.ways.get(room, {}).items():
                if other not in reached:
                    reached.add(other)
                    came[other] = (room, direction)
                    queue.append(other)
        step = ""
        while goal in came:
            goal, step = came[goal]
        return step

    def unwalked(self) -> Iterator[tuple[str, Exit]]:
        """Each (room, way out) whose other side is unknown and which no known lock bars."""
        for title, room in self.rooms.items():
            for way in room.exits:
                known = way.direction in self.ways.get(title, {})
                barred = self.shut(title, way) and (title, way.door) in self.locks
                if not known and not barred and self.refusals[title, f"go {way.direction}"] < PATIENCE:
                    yield title, way

    def was_passed(self, room: str, way: Exit) -> bool:
        """Whether a door was left closed although the way led back, and nothing was taken since."""
        return self.shut(room, way) and self.passed.get((room, way.door)) == len(self.held)

    def take_in(self, action: str, observation: str) -> None:
        """Add what a step showed."""
        if room := read_room(observation):
            self._enter(action, room)
        elif not EFFECT.search(observation):
            self.refusals[self.here, action] += 1
        for thing, holder in things_in(observation):
            self.things[thing] = (self.here, holder)
        self._messages(observation)

    def _enter(self, action: str, room: Room) -> None:
        walked = GO.match(action)
        if walked and self.here and room.title != self.here:
            self._leave(walked.group(1))
            self.ways.setdefault(self.here, {})[walked.group(1)] = room.title
            self.ways.setdefault(room.title, {})[OPPOSITE[walked.group(1)]] = self.here
        elif walked:
            self.refusals[self.here, action] += 1
        self.here = room.title
        self.roamed.add(room.title)
        self.rooms[room.title] = room
        self.things = {thing: place for thing, place in self.things.items() if place[0] != room.title}

    def _leave(self, direction: str) -> None:
        known = self.ways.get(self.here, {})
        if direction in known:
            for way in self.rooms[self.here].exits:
                if way.direction not in known and self.shut(self.here, way):
                    self.passed[self.here, way.door] = len(self.held)

    def _messages(self, observation: str) -> None:
        if GAINED.match(observation):
            self.roamed = {self.here}
        for thing, _ in GOT.findall(observation):
            self.held.add(thing)
            self.things.pop(thing, None)
        for name in OPENED.findall(observation):
            self.opened.add((self.here, name))
        for name in UNLOCKED.findall(observation):
            self.locks.pop((self.here, name), None)
            self.passed.pop((self.here, name), None)
            self.unlocked.append((self.here, name))
            self.refusals.pop((self.here, f"open {name}"), None)
        for name, key in LOCKED.findall(observation):
            self.locks[self.here, name] = key
        for listed in CARRYING.findall(observation):
            self.held.update(names(listed.replace("\n", ", ")))


def read_world(situation: Situation) -> World:
    """What the whole episode so far has shown. Never raises."""
    world = World()
    world.take_in("", situation.first)
    for turn in situation.history:
        world.take_in(turn.action, turn.observation)
    return world


def taking(world: World, thing: str) -> str:
    """The command that takes a thing from where it lies."""
    holder = world.things.get(thing, ("", FLOOR))[1]
    return f"take {thing}" if holder == FLOOR else f"take {thing} from {holder}"
