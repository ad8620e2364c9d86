"""What remembered texts say of TextWorld: what lies where, which rooms touch, what does what."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from evolve.agents.scripted.textworld_text import FLOOR, TITLE, things_in

READER = """\
TextWorld agent: what it reads in memory. Letter case does not matter.
1. "-= ROOM =-" begins a room. What is said after it to lie on the floor, on or in something ("On the counter you see a
   knife", "The fridge contains ...", "There is a carrot on the floor", "You open the fridge, revealing ...") lies in
   that room and in that holder, and the holder stands in that room. States such as "raw" or "sliced" are left out.
2. Two rooms that follow one another with "agent: go DIRECTION" between them touch.
3. "agent: cook THING with TOOL", then "You fried|roasted|grilled": that tool does it.
   Answered otherwise: that tool cooks nothing.
   "agent: slice|dice|chop THING with TOOL", then "You slice|dice|chop": that tool does it.
   "agent: unlock LOCK with KEY", then "You unlock": the last word of KEY is a key.
4. A line "THING: PLACE" or "THING: PLACE, PLACE" and nothing else on it (a bullet before it is allowed). PLACE is a
   room or a holder for a thing ("pork chop: fridge"), a room for a holder ("BBQ: backyard"), a touching room for a room
   ("garden: backyard"), a tool for fry, roast, grill, slice, dice or chop ("grill: BBQ"), and "unlock: passkey".
Everything else is ignored. In one text the same fact counts once; what was seen most often wins.
It serves the cooking game (where to explore, what to open, which appliance, which tool) and the treasure hunt (keys are
taken in passing). Mazes do not read it.
"""

COOKED = {"fried": "fry", "roasted": "roast", "grilled": "grill"}
DEEDS = frozenset({*COOKED.values(), "slice", "dice", "chop", "unlock"})
STEP = re.compile(r"^agent: (.*)$", re.M)
GO = re.compile(r"^go (?:north|east|south|west)$")
TOOLED = re.compile(r"^(cook|slice|dice|chop|unlock) .+? with (.+)$")
DONE = re.compile(r"^(?:environment: )?\s*you (fried|roasted|grilled|slice|dice|chop|unlock)\b", re.M)
LESSON = re.compile(r"^[\s*•-]*([a-z][\w' -]*): *([a-z][\w', -]*?)\s*\.?\s*$", re.M)
SPEAKERS = ("environment", "agent")


@dataclass(frozen=True, slots=True)
class Known:
    """`near` counts (thing, room or holder) and (room, touching room); `tools` counts (what is done, with what).

    `useless` are what cooking was tried with in vain.
    """

    near: Counter[tuple[str, str]] = field(default_factory=Counter)
    tools: Counter[tuple[str, str]] = field(default_factory=Counter)
    useless: set[str] = field(default_factory=set)

    def places(self, thing: str) -> list[str]:
        """Where a thing was found, most often first."""
        found = [(-times, place) for (other, place), times in self.near.items() if other == thing.lower()]
        return [place for _, place in sorted(found)]

    def holds(self, holder: str) -> bool:
        """Whether anything was ever found there; true of everything while nothing at all is remembered."""
        return not self.near or any(place == holder.lower() for _, place in self.near)

    def tool(self, deed: str) -> str:
        """What a deed was done with most often; empty where that is not known."""
        found = [(-times, tool) for (other, tool), times in self.tools.items() if other == deed]
        return min(found)[1] if found else ""

    def is_key(self, thing: str) -> bool:
        return bool(self.tools["unlock", thing.lower().rpartition(" ")[2]])


def known(texts: Iterable[str]) -> Known:
    """What the texts say by the rules of `READER`. Never raises."""
    found = Known()
    for text in (text.lower() for text in texts):
        lessons, deeds = set(_lessons(text)), set(_deeds(text))
        found.useless.update(tool for deed, tool in deeds if deed == "vain cook")
        found.tools.update({pair for pair in deeds | lessons if pair[0] in DEEDS})
        found.near.update({*_near(text), *(pair for pair in lessons if pair[0] not in DEEDS)})
    return found


def _near(text: str) -> Iterator[tuple[str, str]]:
    titles = list(TITLE.finditer(text.replace("environment: -=", "-=")))
    text = text.replace("environment: -=", "-=")
    ends = [title.start() for title in titles[1:]] + [len(text)]
    before, walked = "", False
    for title, end in zip(titles, ends, strict=False):
        room, told = title.group(1).strip(), text[title.end() : end]
        for thing, holder in things_in(told):
            yield thing, room
            if holder != FLOOR:
                yield thing, holder
                yield holder, room
        if before and walked and before != room:
            yield room, before
            yield before, room
        steps = STEP.findall(told)
        before, walked = room, bool(steps) and bool(GO.match(steps[-1].strip()))


def _deeds(text: str) -> Iterator[tuple[str, str]]:
    """(What was done or, where nothing was, tried; with what)."""
    steps = list(STEP.finditer(text))
    ends = [step.start() for step in steps[1:]] + [len(text)]
    for step, end in zip(steps, ends, strict=False):
        if tooled := TOOLED.match(step.group(1).strip()):
            done = DONE.search(text, step.end(), end)
            deed = COOKED.get(done.group(1), done.group(1)) if done else f"vain {tooled.group(1)}"
            yield deed, tooled.group(2).split()[-1] if deed == "unlock" else tooled.group(2)


def _lessons(text: str) -> Iterator[tuple[str, str]]:
    for thing, places in LESSON.findall(text):
        if thing not in SPEAKERS:
            yield from ((thing, place.strip()) for place in places.split(",") if place.strip())
