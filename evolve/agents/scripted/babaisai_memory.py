"""What remembered episodes teach of how a level is won: the rules that were made and broken on the way."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from evolve.agents.scripted.babaisai_map import Rule, rules_told

READER = """\
Baba Is AI agent: what it reads in memory.
A text is an episode if it has lines that begin "environment: " and "agent: "; what follows such a line up to the next
belongs to it. Of observations only the lines "NOUN is PROPERTY" under "Active rules:" are read.
1. If the last line of the text begins "won in", the rules of its last observation are compared with those of its
   first. The steps of its plan are, in this order: "break stop" if a rule "... is stop" is gone; "make you" if a
   rule "... is you" is new; "make wall win" if "wall is win" is new; "make win" if another rule "... is win" is new.
   If none of these happened, the plan is "touch". Episodes that were not won teach nothing.
2. A line "plan: STEP, STEP" with nothing else on it counts as one won episode, in any text: "plan: break stop, make
   win". "plan with PROPERTY, PROPERTY: ..." says as well which properties the first rules gave, YOU left out:
   "plan with stop, win: break stop", "plan with nothing: make win".
Everything else is ignored. A won episode counts 3 if the properties of its first rules (YOU left out) are those that
the agent sees when it begins, and 1 otherwise. Plans that won are tried in the order of their sums, then those the
agent thinks of by itself: "touch", "make win", "break stop". "make you" and "make wall win" it does not think of.
"""

TOUCH = "touch"
BREAK_STOP, MAKE_YOU, MAKE_WALL_WIN, MAKE_WIN = STEPS = ("break stop", "make you", "make wall win", "make win")
ALIKE, OTHER = 3, 1

Plan = tuple[str, ...]
"""Some of `STEPS`; after them, or if there are none, the thing that IS WIN is touched."""

_SPEAKER = re.compile(r"^(environment|agent): ", re.MULTILINE)
_WON = re.compile(r"\nwon in [^\n]*\s*$")
_LESSON = re.compile(r"^\W*plan(?: with ([a-z, ]+))?: ([a-z, ]+?)\W*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Win:
    """How one level was won; `kinds` are the properties that held at first, or `None` if that is not known."""

    plan: Plan
    kinds: frozenset[str] | None


def kinds(observation: str) -> frozenset[str]:
    """Which properties the active rules give, YOU left out."""
    return frozenset(prop for _, prop in rules_told(observation)) - {"you"}


@lru_cache(maxsize=64)
def plans(texts: tuple[str, ...], first: str) -> tuple[Plan, ...]:
    """The plans that won, the most counted first, ties in the order of the texts. Never raises."""
    seen = kinds(first)
    counted: Counter[Plan] = Counter()
    for text in texts:
        for win in _wins(text):
            counted[win.plan] += ALIKE if win.kinds == seen else OTHER
    return tuple(plan for plan, _ in counted.most_common())


def _wins(text: str) -> Iterator[Win]:
    seen = _observations(text)
    if _WON.search(text) and seen:
        yield Win(_plan(set(rules_told(seen[0])), set(rules_told(seen[-1]))), kinds(seen[0]))
    for held, told in _LESSON.findall(text.lower()):
        steps = tuple(step for step in map(str.strip, told.split(",")))
        if set(steps) <= {TOUCH, *STEPS}:
            yield Win(tuple(step for step in steps if step != TOUCH), _held(held) if held else None)


def _plan(before: set[Rule], after: set[Rule]) -> Plan:
    made, broken = after - before, before - after
    happened = {
        BREAK_STOP: any(prop == "stop" for _, prop in broken),
        MAKE_YOU: any(prop == "you" for _, prop in made),
        MAKE_WALL_WIN: ("wall", "win") in made,
        MAKE_WIN: any(noun != "wall" and prop == "win" for noun, prop in made),
    }
    return tuple(step for step in STEPS if happened[step])


def _held(told: str) -> frozenset[str]:
    return frozenset(each.strip() for each in told.split(",")) - {"nothing", "you"}


def _observations(text: str) -> list[str]:
    parts = _SPEAKER.split(text)[1:]
    return [words for speaker, words in zip(parts[::2], parts[1::2], strict=True) if speaker == "environment"]
