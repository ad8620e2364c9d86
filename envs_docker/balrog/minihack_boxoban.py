"""Boxoban levels for MiniHack: the published ones where the user supplied them, else this project's own.

A level is ten rows of ten: `#` wall, `@` player, `$` box, `.` goal, `*` box on goal, `+` player on goal. The published
ones (github.com/google-deepmind/boxoban-levels) are text files in which a line `; number` precedes each level.
"""

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import boxoban

PUBLISHED = Path(__file__).with_name("boxoban_levels")
BOXES, GOALS, PLAYER = "$*", ".*+", "@+"

Place = tuple[int, int]


def level(difficulty: str, seed: int) -> str:
    """The level that a seed names; `difficulty` is `medium` or `hard`. Ours are no harder for it, but others."""
    published = published_levels(difficulty)
    if published:
        return published[random.Random(seed).randrange(len(published))]
    return boxoban.boxoban_levels(2 * seed + (difficulty == "hard"), 1)[0]


@cache
def published_levels(difficulty: str) -> tuple[str, ...]:
    """All levels below a folder of that name, in the order of their files; empty where there are none."""
    files = sorted(path for path in PUBLISHED.rglob("*.txt") if difficulty in path.parent.parts)
    return tuple(found for path in files for found in _levels(path.read_text(encoding="utf-8")))


def source() -> str:
    """Which levels are played, in words."""
    if published_levels("medium") and published_levels("hard"):
        return "the published Boxoban levels"
    told = (f"{name.capitalize()}: {_whose(name)}" for name in ("medium", "hard"))
    return "Boxoban " + ", ".join(told) + " (ours are of one generator, and differ between the two in name only)"


def places(text: str, marks: str) -> frozenset[Place]:
    """Where any of the marks stand, as (column, row)."""
    return frozenset((x, y) for y, row in enumerate(text.splitlines()) for x, mark in enumerate(row) if mark in marks)


def start(text: str) -> Place:
    """Where the player begins."""
    (place,) = places(text, PLAYER)
    return place


def description(text: str) -> str:
    """The level in NetHack's language of levels: walls are iron bars, goals fountains, boxes boulders."""
    rows = text.translate(str.maketrans(dict.fromkeys(" @+$*.", ".") | {"#": "F"})).splitlines()
    x, y = start(text)
    return "\n".join(
        [
            "MAZE: \"mylevel\", ' '",
            "FLAGS:noteleport,premapped",
            "INIT_MAP: solidfill,' '",
            "GEOMETRY:center,center",
            "MAP",
            *rows,
            "ENDMAP",
            f'REGION:(0,0,{max(map(len, rows))},{len(rows)}),lit,"ordinary"',
            *(f'OBJECT: "boulder", {place}' for place in sorted(places(text, BOXES))),
            *(f"FOUNTAIN: {place}" for place in sorted(places(text, GOALS))),
            f"BRANCH:({x},{y},{x},{y}),(0,0,0,0)",
            "",
        ]
    )


def _whose(difficulty: str) -> str:
    return "the published levels" if published_levels(difficulty) else "alma-mcp's own levels"


def _levels(text: str) -> Iterator[str]:
    for block in text.split(";"):
        rows = [row for row in block.splitlines()[1:] if "#" in row]
        if rows:
            yield "\n".join(rows)
