"""The lineage: which design was made from which, as a tree in a list, each design once."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evolve.archive import Entry
from evolve.views.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Branch:
    """One design in the tree: under the first of its parents that is there.

    `depth` is 0 for a root, `above` the id of what it stands under, `others` are its other parents,
    `last` says that nothing more stands under the same one.
    """

    entry: Entry
    outcome: Outcome | None
    depth: int
    above: str
    others: tuple[str, ...]
    last: bool


def grow(entries: Sequence[Entry], outcomes: Mapping[str, Outcome]) -> list[Branch]:
    """Every design once, each before all that stands under it; siblings in the order they came.

    Parents that are not among the entries are passed over. Of designs that name each other as parents the earliest
    is the root.
    """
    there = {entry.id: entry for entry in entries}
    under: dict[str, list[str]] = {}
    for entry in entries:
        under.setdefault(_first_parent(entry, there), []).append(entry.id)
    branches: list[Branch] = []
    grown: set[str] = set()
    for root in (*under.get("", ()), *there):
        waiting = [(root, "", 0, True)] if root not in grown else []
        while waiting:
            design, above, depth, last = waiting.pop()
            grown.add(design)
            others = tuple(parent for parent in there[design].parents if parent != above)
            branches.append(Branch(there[design], outcomes.get(design), depth, above, others, last))
            below = [child for child in under.get(design, ()) if child not in grown]
            waiting += [(child, design, depth + 1, child == below[-1]) for child in reversed(below)]
    return branches


def family(entries: Sequence[Entry], design: str) -> list[Entry]:
    """A design with all that it came from, and all that came of it."""
    parents = {entry.id: entry.parents for entry in entries}
    children: dict[str, list[str]] = {}
    for entry in entries:
        for parent in entry.parents:
            children.setdefault(parent, []).append(entry.id)
    kin = _reached(design, parents) | _reached(design, children)
    return [entry for entry in entries if entry.id in kin]


def with_ancestors(entries: Sequence[Entry], designs: Collection[str]) -> list[Entry]:
    """These designs with all that they came from."""
    parents = {entry.id: entry.parents for entry in entries}
    wanted = set(designs)
    waiting = list(wanted)
    while waiting:
        new = [each for each in parents.get(waiting.pop(), ()) if each not in wanted]
        wanted.update(new)
        waiting += new
    return [entry for entry in entries if entry.id in wanted]


def stepping_stones(entries: Sequence[Entry], outcomes: Mapping[str, Outcome]) -> frozenset[str]:
    """The designs that scored no better than the best of their parents, and from which a better one came after all."""
    worth = {design: each.worth for design, each in outcomes.items() if each.worth is not None}
    below: dict[str, float] = {}
    for entry in reversed(entries):
        best = max(below.get(entry.id, -math.inf), worth.get(entry.id, -math.inf))
        for parent in entry.parents:
            below[parent] = max(below.get(parent, -math.inf), best)
    found = set()
    for entry in entries:
        before = max((worth[parent] for parent in entry.parents if parent in worth), default=math.inf)
        if worth.get(entry.id, math.inf) <= before < below.get(entry.id, -math.inf):
            found.add(entry.id)
    return frozenset(found)


def text_tree(branches: Sequence[Branch]) -> list[str]:
    """What stands before each design where a tree is drawn with lines."""
    drawn = []
    open_levels: list[bool] = []
    for branch in branches:
        del open_levels[max(0, branch.depth - 1) :]
        guides = "".join("│  " if is_open else "   " for is_open in open_levels)
        drawn.append(guides + ("" if not branch.depth else "└─ " if branch.last else "├─ "))
        if branch.depth:
            open_levels.append(not branch.last)
    return drawn


def _first_parent(entry: Entry, there: Mapping[str, Entry]) -> str:
    return next((parent for parent in entry.parents if parent in there and parent != entry.id), "")


def _reached(start: str, ways: Mapping[str, Sequence[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        design = waiting.pop()
        if design not in reached:
            reached.add(design)
            waiting += ways.get(design, ())
    return reached
