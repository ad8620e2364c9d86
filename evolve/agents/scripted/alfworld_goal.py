"""What an ALFWorld task asks for."""

import re
from dataclasses import dataclass

LAMP = "desklamp"
APPLIANCES = {
    "heat": "microwave",
    "hot": "microwave",
    "cool": "fridge",
    "cold": "fridge",
    "clean": "sinkbasin",
}
TREATMENTS = {"hot": "heat", "cold": "cool"}
TASK = re.compile(r"your task is to:? *([^\n]*)")
LOOK_AT = re.compile(r"(?:look at|examine) (?:an? |the |some )?([a-z]+) (?:under|with|in|by|using) ")
PUT = re.compile(
    r"(?:put|find|place|move|heat|cool|clean) (?:(two|a|an|some|the) )?(?:(hot|cool|cold|clean) )?([a-z]+)"
    r"(?: and (?:put|place|move) (?:it|them))? (?:in/on|in|on|to|into|onto) (?:an? |the |some )?([a-z]+)"
)


@dataclass(frozen=True, slots=True)
class Goal:
    """`count` things of kind `thing`, first treated (`heat`, `cool`, `clean` or nothing), at a `place`.

    `place` is empty where the thing is to be looked at under the lamp. An unreadable task has no `thing`.
    """

    thing: str = ""
    place: str = ""
    treatment: str = ""
    count: int = 1

    @property
    def appliance(self) -> str:
        return APPLIANCES.get(self.treatment, "")


def read_goal(text: str) -> Goal:
    """The goal in the words of the task, with or without what surrounds them. Never raises."""
    lowered = text.lower()
    named = TASK.search(lowered)
    task = named.group(1) if named else lowered
    if found := LOOK_AT.search(task):
        return Goal(thing=found.group(1))
    if not (found := PUT.search(task)):
        return Goal()
    amount, state, thing, place = found.groups()
    verb = state or found.group(0).split()[0]
    treatment = TREATMENTS.get(verb, verb) if verb in APPLIANCES else ""
    return Goal(thing, place, treatment, count=2 if amount == "two" else 1)
