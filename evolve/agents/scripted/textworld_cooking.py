"""How the cooking game is played: read the cookbook, fetch, cut, cook, prepare, eat.

Memory says where things lie, which rooms touch, which appliance does what and which tool cuts. Without it the
nearest unwalked way is taken, and what stands in the rooms is tried in the order in which it was seen.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evolve.agents import Situation
from evolve.agents.scripted.textworld_explore import explore, reach, reach_each, take_nearest
from evolve.agents.scripted.textworld_memory import Known, known
from evolve.agents.scripted.textworld_recipe import CUTS, Recipe, read_recipe, steps_done
from evolve.agents.scripted.textworld_world import World, taking

BOOK, KITCHEN, MEAL = "cookbook", "kitchen", "meal"
REQUIRES = re.compile(r"cutting something requires an? (\w+)", re.I)
PREPARED = re.compile(r"adding the meal to your inventory", re.I)


@dataclass(frozen=True, slots=True)
class Cook:
    """What is known when a step is chosen: the world, what was done, what memory says, what this game has shown."""

    world: World
    seen: tuple[str, ...]
    memory: Known
    learnt: Known

    def tool(self, deed: str) -> str:
        return self.learnt.tool(deed) or self.memory.tool(deed)

    @property
    def cutter(self) -> str:
        """What cuts: what cuts in one way cuts in all; empty where that is not known."""
        required = [tool for text in self.seen for tool in REQUIRES.findall(text)]
        return next(iter(required), "") or next((tool for cut in CUTS if (tool := self.tool(cut))), "")


def cook(situation: Situation, world: World) -> Iterator[str]:
    """What would bring the meal nearer, best first."""
    own = "\n".join(f"agent: {turn.action}\nenvironment: {turn.observation.strip()}" for turn in situation.history)
    seen = tuple(turn.observation for turn in situation.history)
    this = Cook(world, seen, known(situation.memory), known([own]))
    recipe = next((found for text in seen if (found := read_recipe(text))), None)
    if any(PREPARED.search(text) for text in seen):
        yield f"eat {MEAL}"
    elif recipe is None:
        yield from _read(this)
    else:
        yield from _work(this, recipe)
    yield from explore(world, this.memory, ())


def _read(this: Cook) -> Iterator[str]:
    if BOOK in this.world.things:
        yield from reach(this.world, this.world.things[BOOK][0], f"examine {BOOK}")
    yield from explore(this.world, this.memory, (KITCHEN, BOOK))
    yield from _open(this, every=True)


def _work(this: Cook, recipe: Recipe) -> Iterator[str]:
    """Fetch everything, cut it, cook it; what cannot be found does not keep the rest from being done."""
    done = steps_done(this.seen)
    missing = [thing for thing in recipe.ingredients if thing not in this.world.held]
    left = [step for step in recipe.steps if step not in done]
    ready = [step for step in left if step[1] in this.world.held]
    yield from _fetch(this, missing)
    for deed, thing in ready:
        if deed in CUTS:
            yield from _cut(this, deed, thing)
    yield from _heat(this, [step for step in ready if step[0] not in CUTS])
    if not left:
        kitchen = next((title for title in this.world.rooms if title.lower() == KITCHEN), "")
        yield from reach(this.world, kitchen, f"prepare {MEAL}")


def _fetch(this: Cook, missing: list[str]) -> Iterator[str]:
    if not missing:
        return
    for thing in (this.cutter, *missing):
        if this.world.things.get(thing, ("", ""))[0] == this.world.here:
            yield taking(this.world, thing)
    yield from _open(this)
    yield from take_nearest(this.world, (thing for thing in missing if thing in this.world.things))
    yield from explore(this.world, this.memory, missing)
    yield from _open(this, every=True)


def _open(this: Cook, *, every: bool = False) -> Iterator[str]:
    """Open what stands here closed, where memory does not say that nothing lies in such; or every one, anywhere."""
    closed = list(this.world.closed())
    if every:
        yield from reach_each(this.world, ((room, f"open {name}") for room, name in closed))
    yield from (f"open {name}" for room, name in closed if room == this.world.here and this.memory.holds(name))


def _cut(this: Cook, deed: str, thing: str) -> Iterator[str]:
    tool = this.cutter
    if not tool:
        yield from _try_tools(this, deed, thing)
    elif tool in this.world.held:
        yield f"{deed} {thing} with {tool}"
    elif tool in this.world.things:
        yield from reach(this.world, this.world.things[tool][0], taking(this.world, tool))
    else:
        yield from explore(this.world, this.memory, (tool,))
        yield from _open(this, every=True)


def _try_tools(this: Cook, deed: str, thing: str) -> Iterator[str]:
    """Nobody knows what cuts: try all that is carried, then all that lies about."""
    for other in sorted(this.world.held - {thing}):
        yield f"{deed} {thing} with {other}"
    yield from take_nearest(this.world, (other for other in this.world.things if other != BOOK))


def _heat(this: Cook, steps: list[tuple[str, str]]) -> Iterator[str]:
    """Cook at the nearest appliance that is known to do it; else explore for it; else try what is not known."""
    far = this.world.distances()
    stands = {name.lower(): (title, name) for title, room in this.world.rooms.items() for name in room.fixtures}
    sure = [
        (far.get(stands[tool][0], 99), thing, stands[tool])
        for deed, thing in steps
        if (tool := this.tool(deed).lower()) in stands
    ]
    for _, thing, (room, name) in sorted(sure):
        yield from reach(this.world, room, f"cook {thing} with {name}")
    for deed, thing in steps:
        if tool := this.tool(deed):
            yield from explore(this.world, this.memory, (tool,))
        else:
            yield from _guess(this, thing, stands)


def _guess(this: Cook, thing: str, stands: dict[str, tuple[str, str]]) -> Iterator[str]:
    taken = this.memory.useless | {this.tool(deed).lower() for deed in ("fry", "roast", "grill")}
    untried = ((room, f"cook {thing} with {name}") for tool, (room, name) in stands.items() if tool not in taken)
    yield from reach_each(this.world, (deed for deed in untried if not this.world.refusals[deed]))
    yield from explore(this.world, this.memory, ())
