"""Walking in TextWorld: to what is known, and to where the unknown may be. Memory only changes the order."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence

from evolve.agents import Situation
from evolve.agents.scripted.textworld_memory import Known
from evolve.agents.scripted.textworld_text import DIRECTIONS, Exit
from evolve.agents.scripted.textworld_world import World, taking

UNKNOWN = 4
"""Rooms that are thought to lie between an unwalked way and a thing that memory knows nothing of."""


def reach(world: World, room: str, action: str) -> Iterator[str]:
    """The action where one is in its room, else a step toward that."""
    if room == world.here:
        yield action
    elif direction := world.toward(room):
        yield from _through(world, direction)


def reach_each(world: World, deeds: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Each (room, action): those of this room first, then toward the rooms not entered since something was gained."""
    listed = list(deeds)
    yield from (action for room, action in listed if room == world.here)
    for room, action in listed:
        if room not in world.roamed:
            yield from reach(world, room, action)


def take_nearest(world: World, things: Iterable[str]) -> Iterator[str]:
    """Take the things whose place is known, or go there; the nearest first."""
    reached = world.distances()
    lying = [(reached[world.things[thing][0]], thing) for thing in things if world.things[thing][0] in reached]
    for _, thing in sorted(lying, key=lambda pair: pair[0]):
        if not world.refused(taking(world, thing)):
            yield from reach(world, world.things[thing][0], taking(world, thing))


def wander(situation: Situation) -> Iterator[str]:
    """Any way out, the one least often taken first."""
    used = Counter(turn.action for turn in situation.history)
    yield from sorted((f"go {direction}" for direction in DIRECTIONS), key=lambda action: used[action])


def explore(world: World, known: Known, sought: Sequence[str], *, again: bool = False) -> Iterator[str]:
    """A step toward the unwalked way that is nearest, and behind which memory expects what is sought.

    What stands in this room comes before what stands elsewhere, and a door that was passed is
    left alone unless something was taken since, or `again`.
    """
    reached = world.distances()
    ways = [
        (room, way)
        for room, way in world.unwalked()
        if room in reached and (again or room == world.here or not world.was_passed(room, way))
    ]
    hopes = {room: _hope(world, known, sought, room) for room, _ in ways}

    def cost(room: str, way: Exit) -> int:
        return 2 * (reached[room] + hopes[room]) + world.shut(room, way)

    for room, way in sorted(ways, key=lambda pair: cost(*pair)):
        direction = way.direction if room == world.here else world.toward(room)
        yield from _through(world, direction)


def _through(world: World, direction: str) -> Iterator[str]:
    for way in world.rooms[world.here].exits:
        if way.direction == direction and world.shut(world.here, way):
            yield f"open {way.door}"
    yield f"go {direction}"


def _hope(world: World, known: Known, sought: Sequence[str], room: str) -> int:
    """Rooms to go beyond `room`, by the rooms that memory says touch each other, to the nearest thing sought."""
    wanted = {place for thing in sought for place in rooms_of(known, thing)}
    titles = {title.lower() for title in world.rooms}
    queue, reached = deque([(room.lower(), 0)]), {room.lower()}
    while queue:
        title, steps = queue.popleft()
        for other in known.places(title):
            if other in reached or other in titles:
                continue
            if other in wanted:
                return min(steps + 1, UNKNOWN)
            reached.add(other)
            queue.append((other, steps + 1))
    return UNKNOWN


def rooms_of(known: Known, thing: str) -> list[str]:
    """Rooms where memory says a thing is: its places, and the places of those."""
    places = known.places(thing)
    return [*places, *(room for place in places[:2] for room in known.places(place))]
