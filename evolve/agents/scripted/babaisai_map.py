"""The map of Baba Is AI as the agent pictures it from the text, and what it expects a step to do.

Distances are told from YOU; here the upper left of all that is told is (0, 0). The border is not told: the agent
takes the map to end where the things and blocks end, and a map without walls to be square.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Place = tuple[int, int]
"""Column and row."""

Rule = tuple[str, str]
"""A noun and its property."""

STEPS: Mapping[str, Place] = {"up": (0, -1), "right": (1, 0), "down": (0, 1), "left": (-1, 0)}
PROPERTIES = ("you", "win", "stop", "push")
IDLE = "idle"

_RULE = re.compile(r"^(\w+) is (\w+)$", re.MULTILINE)
_THING = re.compile(r"^(?:rule `(\w+)`|(\w+)) ((?:\d+ steps? |at your place).*)$", re.MULTILINE)
_WAY = re.compile(r"(\d+) steps? (?:to the )?(right|left|up|down)")


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands where: text blocks in upper case, things in lower case. `far` is the lower right corner."""

    words: tuple[str, ...]
    places: tuple[Place, ...]
    far: Place

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What holds, read to the right and downwards."""
        text = {place: word for word, place in zip(self.words, self.places, strict=True) if word.isupper()}
        found = [
            (text.get((x - dx, y - dy), "").lower(), text.get((x + dx, y + dy), "").lower())
            for (x, y), word in text.items()
            if word == "IS"
            for dx, dy in ((1, 0), (0, 1))
        ]
        return tuple(rule for rule in found if rule[0] and rule[0] not in (*PROPERTIES, "is") and rule[1] in PROPERTIES)

    def where(self, *words: str) -> list[Place]:
        """The places of these words."""
        return [place for word, place in zip(self.words, self.places, strict=True) if word in words]

    def with_property(self, prop: str) -> list[Place]:
        """The places of all things that have a property."""
        return self.where(*(noun for noun, held in self.rules if held == prop))

    def after(self, action: str) -> "Scene":
        """What is expected of a step: all that is YOU moves, and pushes blocks; STOP and the border stop it."""
        dx, dy = STEPS[action]
        rules = self.rules
        held = {prop: {noun for noun, other in rules if other == prop} for prop in PROPERTIES}
        places = list(self.places)
        movers = [index for index, word in enumerate(self.words) if word in held["you"]]
        movers.sort(key=lambda index: -(places[index][0] * dx + places[index][1] * dy))
        for mover in movers:
            train = self._train(places, places[mover], (dx, dy), held)
            for index in [mover, *train] if train is not None else []:
                x, y = places[index]
                places[index] = x + dx, y + dy
        return Scene(self.words, tuple(places), self.far)

    def _train(self, places: list[Place], start: Place, way: Place, held: Mapping[str, set[str]]) -> list[int] | None:
        """What would be pushed along from `start`; `None` where there is no getting on."""
        train: list[int] = []
        x, y = start[0] + way[0], start[1] + way[1]
        while 0 <= x <= self.far[0] and 0 <= y <= self.far[1]:
            here = [index for index, place in enumerate(places) if place == (x, y)]
            pushed = [index for index in here if self.words[index].isupper() or self.words[index] in held["push"]]
            if any(self.words[index] in held["stop"] for index in here if index not in pushed):
                return None
            if not pushed:
                return train
            train += pushed
            x, y = x + way[0], y + way[1]
        return None


def rules_told(observation: str) -> tuple[Rule, ...]:
    """The active rules that an observation names."""
    return tuple(_RULE.findall(observation))


def scene(observation: str) -> Scene | None:
    """The map that an observation tells; `None` where it tells none, or nothing is YOU."""
    you = next((noun for noun, prop in rules_told(observation) if prop == "you"), None)
    told = [(text.upper() or thing, _offset(way)) for text, thing, way in _THING.findall(observation)]
    if you is None or not told:
        return None
    return _framed([(you, (0, 0)), *told])


def _framed(told: list[tuple[str, Place]]) -> Scene:
    words = tuple(word for word, _ in told)
    left, top = (min(place[axis] for _, place in told) for axis in (0, 1))
    right, bottom = (max(place[axis] for _, place in told) for axis in (0, 1))
    if "wall" not in words:
        right = max(right, left + bottom - top)
    return Scene(words, tuple((x - left, y - top) for _, (x, y) in told), (right - left, bottom - top))


def _offset(way: str) -> Place:
    steps = {direction: int(count) for count, direction in _WAY.findall(way)}
    return steps.get("right", 0) - steps.get("left", 0), steps.get("down", 0) - steps.get("up", 0)
