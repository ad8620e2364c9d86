"""A scripted agent for Baba Is AI: it can walk and push, and it does not know which plan wins in which level.

It tries one plan after another: those that won in remembered episodes, then those it thinks of by itself. A plan
of its own that it sees to be impossible costs nothing. One that won before is not given up from afar: it goes and
looks, and where things are to be touched it touches walls as well. So a right memory saves steps, and a wrong one
costs them.
"""

from collections.abc import Collection
from dataclasses import dataclass

from evolve.agents import Situation
from evolve.agents.scripted.babaisai_map import IDLE, Place, Scene, scene
from evolve.agents.scripted.babaisai_memory import BREAK_STOP, MAKE_WIN, READER, Plan, plans
from evolve.agents.scripted.babaisai_search import blocks, is_done, nearest, walk_to, way_to

__all__ = ["READER", "choose"]

OWN: tuple[Plan, ...] = ((), (MAKE_WIN,), (BREAK_STOP,))
"""What it thinks of by itself, in this order; `()` is to go and touch things."""


def choose(situation: Situation) -> str:
    """The next step. Never raises."""
    won = plans(situation.memory, situation.first)
    mind = Mind(tuple(dict.fromkeys((*won, *OWN))), frozenset(won))
    wish = IDLE
    for seen in (situation.first, *(turn.observation for turn in situation.history)):
        now = scene(seen)
        if now is not None:
            wish = mind.next(now)
    return wish


@dataclass(slots=True)
class Mind:
    """Which plan is being tried, and what was gone to in vain; it is thought through anew from the first sight.

    Plans that are `trusted`, because they won before, are not given up from afar.
    """

    order: tuple[Plan, ...]
    trusted: frozenset[Plan]
    trying: int = 0
    visited: frozenset[str] = frozenset()

    def next(self, now: Scene) -> str:
        """The next step of the first plan, from the present one on, that has any."""
        for _ in self.order:
            action = self._step(self.order[self.trying % len(self.order)], now)
            if action:
                return action
            self.trying += 1
        return IDLE

    def _step(self, plan: Plan, now: Scene) -> str:
        """What to do for a plan; nothing where it is at its end or seen to be impossible."""
        for step in plan:
            if not is_done(step, now):
                seen = blocks(step, now) if plan in self.trusted else ()
                return _first(way_to(step, now)) or self._visit(seen, now)
        winning = frozenset(now.with_property("win"))
        if winning:
            return _first(walk_to(winning, now)) or ("" if plan else self._approach("win", winning, now))
        return "" if plan else self._visit({"ball", "door", "key", *(["wall"] if plan in self.trusted else [])}, now)

    def _visit(self, words: Collection[str], now: Scene) -> str:
        """Go to what was not gone to yet, the nearest first, as if something might come of it."""
        yous = now.with_property("you")
        for word in sorted(words, key=lambda word: (nearest(yous, now.where(word)), word)):
            for place in sorted(now.where(word), key=lambda place: (nearest(yous, [place]), place)):
                action = self._approach(f"{word} {place}", frozenset([place]), now)
                if action:
                    return action
        return ""

    def _approach(self, name: str, targets: frozenset[Place], now: Scene) -> str:
        """A step towards something, as near as one can walk; once there it counts as visited."""
        if name not in self.visited:
            for within in range(nearest(now.with_property("you"), targets)):
                action = _first(walk_to(targets, now, within))
                if action:
                    return action
            self.visited |= {name}
        return ""


def _first(way: tuple[str, ...] | None) -> str:
    return way[0] if way else ""
