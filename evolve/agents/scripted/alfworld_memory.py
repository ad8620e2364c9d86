"""How often things lay where, read from remembered texts. The order of search comes from here and nowhere else."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

READER = """\
ALFWorld agent: what it reads in memory.
Letter case does not matter. The trailing number of a thing or a place is ignored ("mug 2" is a mug).
1. "On the PLACE N, you see a THING N, a THING N." and "The PLACE N is open. In it, you see ..." count one look at
   that kind of place, and one sight of each kind of thing in it. "nothing" is a look without a sight.
2. "take THING N from PLACE N" counts a look and a sight, unless 1. already counted it in the same text.
3. What the text itself says was moved to a place ("move|put THING N to|in/on PLACE N") is no sight there.
4. A line "THING: PLACE" or "THING: PLACE, PLACE" and nothing else on it (a bullet before it is allowed) counts a look
   and a sight for each place. Words are the game's own ("mug: countertop", "desklamp: desk, sidetable").
Everything else is ignored. In one text the same kind of thing in the same place counts once.
Places are searched by (sights + 0.1) / (looks + 1) for the thing looked for, best first; ties in the room's order.
"""

THING = r"[a-z]+ \d+"
SIGHT = re.compile(rf"(?:\bon the ({THING}), you see|\bthe ({THING}) is open\. in it, you see) ([^.\n]*)")
TAKEN = re.compile(rf"\btake ({THING}) from ({THING})")
MOVED = re.compile(rf"\b(?:move|put) ({THING}) (?:to|in/on|in|on) ({THING})")
LESSON = re.compile(r"^\W*([a-z]+)(?: \d+)?: *([a-z]+(?: \d+)?(?:, *[a-z]+(?: \d+)?)*)\W*$", re.MULTILINE)
PRIOR_SIGHTS, PRIOR_LOOKS = 0.1, 1.0


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """`looks` counts looks at a kind of place, `sights` how many of them showed a kind of thing."""

    looks: Counter[str] = field(default_factory=Counter)
    sights: Counter[tuple[str, str]] = field(default_factory=Counter)

    def likelihood(self, thing: str, place: str) -> float:
        """How likely one look at such a place shows such a thing: equal for all places nothing is known of."""
        return (self.sights[thing, place] + PRIOR_SIGHTS) / (self.looks[place] + PRIOR_LOOKS)


def whereabouts(texts: Iterable[str]) -> Whereabouts:
    """What the texts say of where things lay, by the rules of `READER`. Never raises."""
    found = Whereabouts()
    for text in (text.lower() for text in texts):
        looks, sights = _read(text)
        found.looks.update(kind(place) for place in looks)
        found.sights.update((thing, kind(place)) for thing, place in sights)
        for thing, place in _lessons(text):
            found.looks[place] += 1
            found.sights[thing, place] += 1
    return found


def sights_in(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each place that a lower-case text looks at, with the things seen there."""
    for on, within, listed in SIGHT.findall(text):
        yield on or within, tuple(re.findall(THING, listed))


def kind(name: str) -> str:
    """ "mug 2" is a mug."""
    return name.rstrip("0123456789").rstrip()


def _read(text: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Places looked at, and (kind of thing, place) seen there."""
    moved = set(MOVED.findall(text))
    looks: set[str] = set()
    pairs: set[tuple[str, str]] = set(TAKEN.findall(text))
    for place, things in sights_in(text):
        looks.add(place)
        pairs.update((thing, place) for thing in things)
    pairs -= moved
    return looks | {place for _, place in pairs}, {(kind(thing), place) for thing, place in pairs}


def _lessons(text: str) -> Iterator[tuple[str, str]]:
    for thing, places in LESSON.findall(text):
        for place in places.split(","):
            yield thing, kind(place.strip())
