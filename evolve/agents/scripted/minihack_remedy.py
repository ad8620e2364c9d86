"""What to do where no way is left: go to an obstacle, and try on it what memory knows, then whatever there is."""

from collections.abc import Iterator

from evolve.agents import Situation
from evolve.agents.scripted.minihack_map import CLOSED, LIQUID, NAMES, WAYS, Place, View, beside, straight, view
from evolve.agents.scripted.minihack_memory import (
    DEAD_END,
    DOOR,
    LAVA,
    Lessons,
    asks,
    is_move,
    kind_of_item,
    obstacle,
)
from evolve.agents.scripted.minihack_past import Past
from evolve.agents.scripted.minihack_walk import Ways, along

AGAIN = 6
"""So often a remedy that is known is used at one place before others are tried."""
RANKS = (DOOR, LAVA, DEAD_END, "")


def remedy(situation: Situation, now: View, past: Past, known: Lessons, ways: Ways) -> Iterator[str]:
    """A step towards the obstacle that was tried least, the nearest of those; there, a remedy."""
    plans = {place: _plan(situation, known, kind) for place, kind in _stands(now, past, ways).items()}
    kinds = _stands(now, past, ways)
    tries = {place: sum(attempt.place == place for attempt in past.tried) for place in kinds}

    def effort(place: Place) -> tuple[int, int, int]:
        return tries[place] // len(plans[place]), RANKS.index(kinds[place]), len(ways[place])

    place = min(kinds, key=effort)
    yield from along(situation, now, ways[place])
    yield plans[place][tries[place] % len(plans[place])]


def answer(situation: Situation, now: View, past: Past, known: Lessons) -> Iterator[str]:
    """An answer to the game's question: about the remedy that was begun, or to a doubt about a step."""
    begun = _begun(situation)
    if is_move(begun):
        yield "esc"
    way = _towards(now, past)
    if "direction" in now.message:
        yield NAMES[way]
    against = known.against(obstacle(now, (now.self[0] + way[0], now.self[1] + way[1])))
    wanted = next((item for verb, item in against if verb == begun), "")
    offered = [letter for letter in situation.actions if letter in now.items]
    if "What do you want" in now.message:
        yield from (letter for letter in offered if kind_of_item(now.items[letter]) == wanted)
        before = sum(attempt.verb == begun for attempt in past.tried)
        yield from (offered[before % len(offered)] for _ in offered[:1])
    yield from ("y", "esc")


def _plan(situation: Situation, known: Lessons, kind: str) -> list[str]:
    """The remedies of one round, in order."""
    offered = [action for action in situation.actions if not is_move(action)] or ["search"]
    learned = [verb for verb, _ in known.against(kind or DEAD_END) if verb in offered]
    return [verb for verb in learned for _ in range(AGAIN)] + [verb for verb in offered if verb not in learned]


def _stands(now: View, past: Past, ways: Ways) -> dict[Place, str]:
    """Where one can stand before an obstacle, and what kind it is; by a mere wall it is none. Never empty."""
    found = {now.self: ""}
    for place in ways:
        near = [there for there in beside(place) if straight(place, there)]
        if any(now.at(there) == CLOSED and past.shut(now, place, there) for there in near):
            found[place] = DOOR
        elif any(now.at(there) == LIQUID for there in near):
            found[place] = LAVA
        elif sum(there in ways for there in beside(place)) <= 1:
            found[place] = DEAD_END
        elif any(now.at(there) in "|-" for there in near):
            found[place] = ""
    return found


def _towards(now: View, past: Past) -> Place:
    """The direction of the obstacle beside oneself: a door, lava, else where one cannot walk; straight ones only."""
    ways = [way for way in WAYS.values() if 0 in way]
    beyond = [way for way in ways if not any(place == _to(now.self, way) for place in past.steps(now, now.self))]

    def rank(way: Place) -> int:
        return RANKS.index(obstacle(now, _to(now.self, way)))

    return min(beyond or ways, key=rank)


def _to(place: Place, way: Place) -> Place:
    return place[0] + way[0], place[1] + way[1]


def _begun(situation: Situation) -> str:
    """The action that raised the question which is open."""
    seen = [view(situation.first), *(view(turn.observation) for turn in situation.history)]
    said = [turn.action for before, turn in zip(seen, situation.history, strict=False) if not asks(before)]
    return said[-1] if said else ""
