"""A scripted agent for ALFWorld: find the thing, treat it, bring it. Memory decides where it looks first."""

from collections.abc import Iterator, Sequence

from evolve.agents import Situation
from evolve.agents.scripted.alfworld_goal import LAMP, Goal, read_goal
from evolve.agents.scripted.alfworld_memory import READER, Whereabouts, kind, whereabouts
from evolve.agents.scripted.alfworld_scene import Scene, read_scene
from evolve.agents.scripted.steps import first_possible, worn_out

__all__ = ["READER", "choose"]

UNCHANGED = ("Nothing happens",)


def choose(situation: Situation) -> str:
    """The next step: an admissible one wherever any is listed. Never raises."""
    goal = read_goal(situation.goal)
    if not goal.thing:
        goal = read_goal(situation.first)
    scene = read_scene(situation)
    return first_possible(situation, _wishes(situation, goal, scene), worn_out(situation, UNCHANGED))


def _wishes(situation: Situation, goal: Goal, scene: Scene) -> Iterator[str]:
    """What would serve the goal, best first."""
    if scene.held and kind(scene.held) == goal.thing:
        yield from _use(situation, goal, scene) if goal.place else _light(situation, scene)
    elif scene.held:
        yield from _rid(situation, scene)
    else:
        yield from _fetch(situation, goal, scene)
    yield from _search(situation, goal.thing, scene, scene.places)


def _fetch(situation: Situation, goal: Goal, scene: Scene) -> Iterator[str]:
    brought = {thing for thing, place in scene.brought if kind(place) == goal.place}
    for place, thing in scene.known(goal.thing):
        if thing in brought or (not goal.treatment and kind(place) == goal.place):
            continue
        yield from _at(situation, scene, place, f"take {thing} from {place}")
    elsewhere = [place for place in scene.places if goal.treatment or kind(place) != goal.place]
    yield from _search(situation, goal.thing, scene, elsewhere)


def _light(situation: Situation, scene: Scene) -> Iterator[str]:
    for place, lamp in scene.known(LAMP):
        yield from _at(situation, scene, place, f"use {lamp}")
    yield from _search(situation, LAMP, scene, scene.places)


def _use(situation: Situation, goal: Goal, scene: Scene) -> Iterator[str]:
    """Treat what is held if the goal asks so, then bring it."""
    if goal.treatment and scene.held not in scene.treated:
        for place in _of_kind(scene, goal.appliance):
            yield from _at(situation, scene, place, f"{goal.treatment} {scene.held} with {place}")
    started = [place for _, place in scene.brought if kind(place) == goal.place]
    for place in [*started, *_of_kind(scene, goal.place)]:
        yield from _putting(situation, scene, place)


def _rid(situation: Situation, scene: Scene) -> Iterator[str]:
    """Put down what is held and not wanted."""
    for place in ([scene.here] if scene.here else []) + list(scene.places):
        yield from _putting(situation, scene, place)


def _putting(situation: Situation, scene: Scene, place: str) -> Iterator[str]:
    ways = [f"{verb} {scene.held} {to} {place}" for verb in ("move", "put") for to in ("to", "in/on", "in", "on")]
    yield from _at(situation, scene, place, *(way for way in ways if not situation.actions or way in situation.actions))


def _search(situation: Situation, thing: str, scene: Scene, places: Sequence[str]) -> Iterator[str]:
    """Look into the places that were not looked into, the likeliest first."""
    known = whereabouts(situation.memory)
    unseen = [place for place in places if place not in scene.sights]
    for place in sorted(unseen, key=lambda place: -_promise(known, thing, place)):
        yield from _at(situation, scene, place)


def _promise(known: Whereabouts, thing: str, place: str) -> float:
    return known.likelihood(thing, kind(place))


def _at(situation: Situation, scene: Scene, place: str, *actions: str) -> Iterator[str]:
    """Act at the place if that can be done from here, else go there; open it, or look closer, if it hides things.

    Two places can be in one spot, so what can be done is a surer sign of being there than the last arrival.
    """
    ready = [*actions, f"open {place}"]
    if scene.here == place or any(action in situation.actions for action in ready):
        yield from ready
    if scene.here != place:
        yield f"go to {place}"
        yield f"examine {place}"


def _of_kind(scene: Scene, wanted: str) -> list[str]:
    return [place for place in scene.places if kind(place) == wanted]
