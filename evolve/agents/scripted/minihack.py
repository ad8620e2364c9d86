"""A scripted agent for MiniHack: fight what is near, take the stairs, explore; where no way is left, try remedies.

It knows how to walk and how to push boulders. Which remedy helps against what, and where such levels end, it does not
know: without memory it tries what the environment offers, in the environment's order.
"""

from collections.abc import Iterator

from evolve.agents import Situation
from evolve.agents.scripted.minihack_boxoban import next_place
from evolve.agents.scripted.minihack_fight import fight
from evolve.agents.scripted.minihack_map import NAMES, view, ways_from
from evolve.agents.scripted.minihack_memory import READER, Lessons, asks, lessons
from evolve.agents.scripted.minihack_past import read_past
from evolve.agents.scripted.minihack_remedy import answer, remedy
from evolve.agents.scripted.minihack_walk import along, target

__all__ = ["READER", "choose"]


def choose(situation: Situation) -> str:
    """The next step: an admissible one wherever any is listed. Never raises."""
    for wish in _wishes(situation):
        if not situation.actions or wish in situation.actions:
            return wish
    return situation.actions[len(situation.history) % len(situation.actions)] if situation.actions else "search"


def _wishes(situation: Situation) -> Iterator[str]:
    """What would serve the goal, best first."""
    now, past, known = view(situation.observation), read_past(situation), lessons(situation.memory)
    if asks(now):
        yield from answer(situation, now, past, known)
    elif "Boxoban" in situation.goal:
        place = next_place(view(situation.first), now)
        if place is not None:
            yield NAMES[place[0] - now.self[0], place[1] - now.self[1]]
    else:
        ways = ways_from(now.self, lambda place: past.steps(now, place))
        yield from fight(now, past.refused, ways, draws_back=_draws_back(situation, known))
        place = target(now, past, known.end(), ways)
        yield from along(situation, now, ways[place]) if place else remedy(situation, now, past, known, ways)


def _draws_back(situation: Situation, known: Lessons) -> bool:
    """Whether to fight from narrow places: as won episodes did; without any, as chance has it."""
    return known.narrow > 0 if known.narrow else situation.seed % 2 == 1
