"""A scripted agent for TextWorld: coin_collector, treasure_hunter and the_cooking_game.

Exploring takes the nearest way that was not walked. For a maze no game teaches another anything: memory is not read.
In a treasure hunt memory says which things are keys, so that they are taken in passing. For the cooking game see
`textworld_cooking`.
"""

import re
from collections.abc import Iterator

from evolve.agents import Situation
from evolve.agents.scripted.steps import first_possible
from evolve.agents.scripted.textworld_cooking import cook
from evolve.agents.scripted.textworld_explore import explore, reach, reach_each, take_nearest, wander
from evolve.agents.scripted.textworld_memory import READER, Known, known
from evolve.agents.scripted.textworld_world import World, read_world, taking

__all__ = ["READER", "choose"]

MEAL = re.compile(r"cookbook|recipe|\bmeal\b", re.I)
TARGET = re.compile(
    r"(?:pick[ -]?up|retrieve|recover|lift|take|get|fetch|find|grab) the ([^.!?\n]+?) from (?:the )?([^.!?\n]+)", re.I
)


def choose(situation: Situation) -> str:
    """The next step: an admissible one wherever any is listed. Never raises."""
    world = read_world(situation)
    task = situation.goal if situation.goal.strip() else situation.first
    wishes = cook(situation, world) if MEAL.search(task) else _hunt(situation, world, task)
    return first_possible(situation, [*wishes, *wander(situation)], world.worn)


def _hunt(situation: Situation, world: World, task: str) -> Iterator[str]:
    """Find the treasure; open what is closed, with the keys that the locks ask for."""
    found = TARGET.search(task)
    target = found.group(1).strip() if found else "coin"
    memory = known(situation.memory)
    if target in world.things:
        yield from reach(world, world.things[target][0], taking(world, target))
    yield from _unlock(situation, world)
    yield from _keys(world, memory)
    for room, name in world.closed():
        if room == world.here:
            yield f"open {name}"
    yield from explore(world, memory, ())
    yield from _desperate(world)


def _unlock(situation: Situation, world: World) -> Iterator[str]:
    """Unlock what can be; fetch the key that a lock asked for, or try it where it may be carried unknowingly."""
    yield from (action for action in situation.actions if action.startswith("unlock "))
    for (room, lock), key in sorted(world.locks.items(), key=lambda item: item[0][0] != world.here):
        if key in world.held:
            yield from reach(world, room, f"unlock {lock} with {key}")
        elif key in world.things:
            yield from reach(world, world.things[key][0], taking(world, key))
        elif room == world.here and not world.refused(f"unlock {lock} with {key}"):
            yield f"unlock {lock} with {key}"


def _keys(world: World, memory: Known) -> Iterator[str]:
    """What memory knows for a key is taken in passing."""
    for thing, (room, _) in world.things.items():
        if room == world.here and memory.is_key(thing) and not world.refused(taking(world, thing)):
            yield taking(world, thing)


def _desperate(world: World) -> Iterator[str]:
    """Nothing is left to walk: open whatever may be opened, then take what lies about, one thing after the other."""
    yield from reach_each(world, ((room, f"open {name}") for room, name in world.closed()))
    yield from take_nearest(world, world.things)
    yield from explore(world, Known(), (), again=True)
