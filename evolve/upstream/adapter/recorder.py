"""`Basic_Recorder` and the base classes of an upstream memory; experiences and queries as recorders."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from alma_mcp.contract import Experience, Query

ABSENT: dict[str, Any] = {
    "obs": "",
    "goal": "",
    "actions_list": [],
    "long_term_context": "",
    "short_term_context": "",
    "action_dict": {},
}
TASK = "Your task is to:"
INVENTORY = "\n\ninventory:\n"


class Fields(dict[str, Any]):
    """A recorder's fields. One that another domain has reads as empty, and is not among the keys."""

    def __missing__(self, name: str) -> Any:
        value = ABSENT[name]
        return value if isinstance(value, str) else type(value)()


@dataclass
class Basic_Recorder:  # noqa: N801 - upstream's name
    """One episode: how it began, its steps, and the reward. Before a task only `init` is filled."""

    init: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    reward: float = 0.0
    memory_retrieved: dict[str, Any] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False, compare=False)


class Basic_Env:  # noqa: N801 - upstream's name
    """Imported by some files for a type; environments are not here."""


@dataclass
class Sub_memo_layer(ABC):  # noqa: N801 - upstream's name
    """Base of a layer."""

    layer_intro: str = ""
    database: Any = None

    @abstractmethod
    async def retrieve(self, **kwargs: Any) -> Any: ...

    @abstractmethod
    async def update(self, **kwargs: Any) -> Any: ...


class MemoStructure(ABC):
    """Base of an upstream memory."""

    def __init__(self) -> None:
        self.database: Any = None

    @abstractmethod
    async def general_retrieve(self, recorder: Basic_Recorder) -> dict[str, Any]: ...

    @abstractmethod
    async def general_update(self, recorder: Basic_Recorder) -> None: ...


def recorder_of(experience: Experience) -> Basic_Recorder:
    """What happened, as upstream records it: an episode step by step, anything else as one observation."""
    reward = experience.reward or 0.0
    if experience.kind != "episode":
        return Basic_Recorder(Fields(obs=experience.text, goal=experience.task), [], reward)
    first, turns = _turns(experience)
    steps = []
    for number, (action, seen) in enumerate(turns, start=1):
        last = number == len(turns)
        step = Fields(action_took=action, **_seen(experience.source, seen), scores=reward if last else 0.0, dones=last)
        if experience.source == "alfworld":
            step["actions_list"] = []
        steps.append(step)
    return Basic_Recorder(_init(experience.source, experience.task, first), list(steps), reward)


def recorder_of_query(query: Query, domain: str) -> Basic_Recorder:
    """What is known before a task: goal, blank line, first observation; any other query is both."""
    goal, _, seen = query.text.partition("\n\n")
    first = "\n\n".join(part for part in (seen or goal, query.context) if part)
    return Basic_Recorder(_init(domain or _guessed(query.text), goal, first))


def _init(domain: str, goal: str, seen: str) -> Fields:
    match domain:
        case "alfworld":
            stated = goal if TASK in goal else f"{TASK} {goal}"
            return Fields(obs=seen if TASK in seen else f"{seen}\n\n{stated}", actions_list=[])
        case "minihack":
            return Fields(**_seen(domain, seen), action_dict={}, goal=goal)
        case _:
            return Fields(obs=seen, goal=goal)


def _seen(domain: str, observation: str) -> dict[str, str]:
    if domain != "minihack":
        return {"obs": observation}
    long, mark, inventory = observation.partition(INVENTORY)
    return {"long_term_context": long, "short_term_context": f"{mark}{inventory}".strip()}


def _guessed(text: str) -> str:
    if TASK in text:
        return "alfworld"
    return "minihack" if "language observation:" in text else ""


def _turns(experience: Experience) -> tuple[str, list[tuple[str, str]]]:
    """What was seen at first, then actions, each with what was seen after it."""
    seen: list[list[str]] = [[]]
    actions: list[str] = []
    for step in experience.steps:
        if step.actor == "agent":
            actions.append(step.text)
            seen.append([])
        else:
            seen[-1].append(step.text)
    first, *rest = (_joined(each) for each in seen)
    return first, list(zip(actions, rest, strict=True))


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(texts)
