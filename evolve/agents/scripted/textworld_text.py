"""TextWorld's prose, read: rooms, exits, what lies where. Only what the texts themselves say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

DIRECTIONS = ("north", "east", "south", "west")
OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}
FLOOR = "floor"

TITLE = re.compile(r"^-= ([^=\n]+?) =-\s*$", re.MULTILINE)
DOOR = re.compile(r"\bthere is an? (open|opened|closed|locked) ([^.!?\n]+?) leading (north|east|south|west)", re.I)
EXIT = re.compile(r"\b(?:exit to the|should try going|why not try going) (north|east|south|west)", re.I)
ON_FLOOR = re.compile(r"\bthere (?:is|are) ([^.!?\n]+?) on the (?:floor|ground)", re.I)
ON_HOLDER = re.compile(r"\bon the ([^.,!?\n]+?) you (?:can )?(?:see|make out) ([^.!?\n]+)", re.I)
SEEN_ON = re.compile(r"\byou (?:can )?(?:see|make out) ([^.!?\n]+?) on the (?!floor)([^.,!?\n]+)", re.I)
CONTAINS = re.compile(r"\bthe ([^.,!?\n]+?) contains ([^.!?\n]+)", re.I)
REVEALS = re.compile(r"\byou open (?:the )?([^.,!?\n]+?), revealing ([^.!?\n]+)", re.I)
MENTION = re.compile(
    r"\b(?:see|make out|seeing|looks like it's|it's just|it's|follow it to|fall onto|you find|other than|over there[!,]"
    r"|here's|notice|to reveal) an? (?:(locked|closed|opened|open) )?([a-z][\w' -]*?)"
    r"(?=,? (?:here|in the room|nearby|close by|in the corner|right there by you)\b|[.,!?\n]|$)",
    re.I,
)
STANDS = re.compile(
    r"\ban? (locked|closed|opened) ([\w' -]+?) is (?:here|in the room|nearby|close by|in the|right)", re.I
)
CONTENT = re.compile(r"\b(?:contains|empty|nothing|isn't a thing|hasn't got|taken everything|on the)\b", re.I)
PREPARED = re.compile(r"^(?:(?:raw|fried|roasted|grilled|burned|sliced|diced|chopped|uncut) )+", re.I)
ARTICLE = re.compile(r"^(?:an?|some|the) ", re.I)


@dataclass(frozen=True, slots=True)
class Exit:
    """A way out: through a `door` that may be closed, or free (no door)."""

    direction: str
    door: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """A room as described: its title, ways out, (thing, holder) pairs, and what may be opened."""

    title: str
    exits: tuple[Exit, ...]
    things: tuple[tuple[str, str], ...]
    closed: tuple[str, ...]
    fixtures: tuple[str, ...]


def read_room(observation: str) -> Room | None:
    """The room that an observation describes, if it describes one."""
    titles = list(TITLE.finditer(observation))
    if not titles:
        return None
    text = observation[titles[-1].end() :]
    things = tuple(things_in(text))
    lying = {thing for thing, _ in things}
    fixtures = {name: shut for name, shut in _fixtures(text) if PREPARED.sub("", name) not in lying}
    closed = tuple(name for name, shut in fixtures.items() if shut)
    return Room(titles[-1].group(1).strip(), _exits(text), things, closed, tuple(fixtures))


def things_in(text: str) -> Iterator[tuple[str, str]]:
    """Each (thing, what it lies in or on) of a text."""
    for listed in ON_FLOOR.findall(text):
        yield from ((thing, FLOOR) for thing in names(listed))
    for pattern in (ON_HOLDER, CONTAINS, REVEALS):
        for holder, listed in pattern.findall(text):
            yield from ((thing, holder) for thing in names(listed))
    for listed, holder in SEEN_ON.findall(text):
        yield from ((thing, holder) for thing in names(listed))


def names(listed: str) -> Iterator[str]:
    """The things of "a raw pork chop, a knife and some salt", without how they were prepared."""
    for part in re.split(r",\s*(?:and )?| and ", listed):
        if ARTICLE.match(part.strip()):
            yield PREPARED.sub("", ARTICLE.sub("", part.strip())).strip()


def _exits(text: str) -> tuple[Exit, ...]:
    found = {way: Exit(way, door, state.lower() in ("closed", "locked")) for state, door, way in DOOR.findall(text)}
    for way in EXIT.findall(text):
        found.setdefault(way.lower(), Exit(way.lower()))
    return tuple(found.values())


def _fixtures(text: str) -> Iterator[tuple[str, bool]]:
    """What stands in the room, and whether it is or may be closed: nothing is said of what it holds."""
    paragraph = text.partition(" leading ")[0]
    mentions = list(MENTION.finditer(paragraph))
    ends = [mention.start() for mention in mentions[1:]] + [len(paragraph)]
    for mention, end in zip(mentions, ends, strict=False):
        state, name = mention.groups()
        if " on the " in name or " in a " in name:
            continue
        silent = not CONTENT.search(paragraph[mention.end() : end])
        yield name, state.lower() in ("locked", "closed") if state else silent
    for state, name in STANDS.findall(paragraph):
        yield name, state.lower() != "opened"
