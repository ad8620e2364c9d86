"""What was tried and what it changed, read from an episode: the one being played, or those that memory brought back."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from evolve.agents import Turn
from evolve.agents.scripted.minihack_map import (
    CLOSED,
    LIQUID,
    UNKNOWN,
    WAYS,
    Place,
    View,
    apart,
    beside,
    is_narrow,
    view,
)

READER = """\
MiniHack agent: what it reads in memory.
A text is an episode if it has lines that begin "environment: " and "agent: "; what follows such a line up to the next
belongs to it. Observations are read as the environment writes them (message, cursor, map, inventory).
1. A remedy is an action that is no move, with the answers to the questions it raised ("zap", "h", "east"). It worked
   against lava if a "}" in its direction is gone after it, against a closed door if a "+" in its direction is, and
   against a dead end if a mark that is neither wall nor empty is new beside the player. In each text the first remedy
   that worked against each of the three counts once, whether the episode was won or not.
   Of what was used only the last word counts ("h: a brass wand" is a wand).
2. If the last line of the text begins "won in", the place (x, y) of the last observation counts as an end, and the
   text speaks for fighting from narrow places if most blows at monsters were struck where at most two could stand
   beside the player, and against it if most were not.
3. Lines "lava: zap wand", "closed door: kick", "dead end: search", "end: (x=50, y=10)", "fight: narrow" and
   "fight: open", with nothing else on them, count the same, in any text.
Everything else is ignored. Against an obstacle the remedies that are known are tried first, the most counted first,
then all others in the environment's order. If all ends lie within 4 steps of one another, their middle is where the
agent explores towards; otherwise it explores what is nearest. Where more texts speak for narrow places than against
them it draws back to one before it fights several monsters; where none speaks, chance decides.
"""

LAVA, DOOR, DEAD_END = "lava", "closed door", "dead end"
ENDS_WITHIN = 4
_ASKS = re.compile(r"\?(?: \[[^\]]*\])?(?: \(.\))?$")
_SPEAKER = re.compile(r"^(environment|agent): ", re.MULTILINE)
_WON = re.compile(r"\nwon in [^\n]*\s*$")
_LESSON = re.compile(r"^\W*(lava|closed door|dead end): (\w+)(?: (\w+))?$", re.MULTILINE)
_NARROW, _OPEN = (re.compile(rf"^\W*fight: {place}$", re.MULTILINE) for place in ("narrow", "open"))
_END = re.compile(r"^\W*end: \(x=(\d+), y=(\d+)\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One remedy. `against` is what it was meant for as far as its direction tells; `item` is a kind of thing."""

    verb: str
    item: str
    place: Place
    against: str
    worked: bool


@dataclass(frozen=True, slots=True)
class Lessons:
    """`remedies` counts (obstacle, verb, item); `ends` are where won episodes ended.

    `narrow` counts won episodes that fought from narrow places, less those that fought from open ones.
    """

    remedies: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    ends: tuple[Place, ...] = ()
    narrow: int = 0

    def against(self, obstacle: str) -> list[tuple[str, str]]:
        """(verb, item) that worked, the most counted first; ties in order of name."""
        known = [(-times, verb, item) for (kind, verb, item), times in self.remedies.items() if kind == obstacle]
        return [(verb, item) for _, verb, item in sorted(known)]

    def end(self) -> Place | None:
        """Where won episodes ended, if they agree."""
        if not self.ends or any(apart(one, other) > ENDS_WITHIN for one in self.ends for other in self.ends):
            return None
        xs, ys = zip(*self.ends, strict=True)
        return sum(xs) // len(xs), sum(ys) // len(ys)


@lru_cache(maxsize=8)
def lessons(texts: tuple[str, ...]) -> Lessons:
    """What memory teaches, by the rules of `READER`. Never raises."""
    remedies: Counter[tuple[str, str, str]] = Counter()
    ends: list[Place] = []
    narrow = 0
    for text in texts:
        remedies.update(_LESSON.findall(text))
        narrow += len(_NARROW.findall(text)) - len(_OPEN.findall(text))
        ends += [(int(x), int(y)) for x, y in _END.findall(text)]
        first, turns = _episode(text)
        worked = [attempt for attempt in attempts(first, turns) if attempt.worked]
        for obstacle in (LAVA, DOOR, DEAD_END):
            remedies.update([(obstacle, a.verb, a.item) for a in worked if a.against == obstacle][:1])
        if turns and _WON.search(text):
            ends.append(view(turns[-1].observation).self)
            struck = blows(first, turns)
            narrow += (2 * sum(struck) > len(struck)) - (2 * sum(struck) < len(struck))
    return Lessons(remedies, tuple(ends), narrow)


def attempts(first: str, turns: Sequence[Turn]) -> list[Attempt]:
    """Every remedy that was tried to its end, in order."""
    found: list[Attempt] = []
    before, begun, answers = view(first), view(first), list[str]()
    for turn in turns:
        after = view(turn.observation)
        if not asks(before):
            begun, answers = before, []
        answers.append(turn.action)
        if not asks(after) and not is_move(answers[0]):
            found.append(_attempt(begun, after, answers))
        before = after
    return found


def blows(first: str, turns: Sequence[Turn]) -> list[bool]:
    """Of each blow that was struck at a monster, whether it was struck from a narrow place."""
    before, found = view(first), list[bool]()
    for turn in turns:
        way = WAYS.get(turn.action)
        if way and (before.self[0] + way[0], before.self[1] + way[1]) in before.monsters():
            found.append(is_narrow(before, before.self))
        before = view(turn.observation)
    return found


def asks(seen: View) -> bool:
    """Whether the game waits for an answer."""
    return bool(_ASKS.search(seen.message))


def is_move(action: str) -> bool:
    return action.removeprefix("far ") in WAYS


def kind_of_item(words: str) -> str:
    """ "a brass wand" is a wand, "2 +0 daggers (in quiver)" are daggers."""
    return words.split(" (", maxsplit=1)[0].rsplit(maxsplit=1)[-1]


def obstacle(seen: View, place: Place) -> str:
    """What kind of obstacle stands at a place."""
    return {LIQUID: LAVA, CLOSED: DOOR}.get(seen.at(place), DEAD_END)


def _attempt(before: View, after: View, said: Sequence[str]) -> Attempt:
    ways = [WAYS[answer] for answer in said[1:] if answer in WAYS]
    items = [kind_of_item(before.items[answer]) for answer in said[1:] if answer in before.items]
    if ways:
        there = before.self[0] + ways[-1][0], before.self[1] + ways[-1][1]
        against, places = obstacle(before, there), [there]
    else:
        against, places = DEAD_END, list(beside(before.self))
    solid = (UNKNOWN, "|", "-", LIQUID, CLOSED)
    gone = any(before.at(place) in solid and after.at(place) != before.at(place) for place in places)
    still = against == DEAD_END and not any(
        before.at(place) in solid[:3] and after.at(place) not in solid[:3] for place in places
    )
    return Attempt(said[0], items[0] if items else "", before.self, against, gone and not still)


def _episode(text: str) -> tuple[str, list[Turn]]:
    """The first observation and the turns after it; nothing where the text is no episode."""
    parts = _SPEAKER.split(_WON.sub("", text))[1:]
    said = list(zip(parts[::2], (part.removesuffix("\n") for part in parts[1::2]), strict=False))
    seen = [words for speaker, words in said if speaker == "environment"]
    done = [words.strip() for speaker, words in said if speaker == "agent"]
    return (seen[0] if seen else ""), [Turn(action, after) for action, after in zip(done, seen[1:], strict=False)]
