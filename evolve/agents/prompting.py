"""What a model is shown when it is to act. The same situation gives the same prompt, to the letter."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from alma_mcp.chat import strict_format
from evolve.agents import Situation, Turn

PROMPTS = Path(__file__).parent / "prompts"


@dataclass(frozen=True, slots=True)
class Window:
    """How much of an episode is shown: the last `turns` at most, and no more than `characters` of them.

    Turns leave by halves of the window, so that a server which remembers the beginning of a prompt can use it.
    """

    turns: int = 16
    characters: int = 24_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages for a chat endpoint, the form of the answer, and how many turns are shown."""

    messages: tuple[Mapping[str, str], ...]
    form: Mapping[str, Any]
    turns: int


def write_prompt(situation: Situation, window: Window) -> Prompt:
    """The game's instruction; then memory (fenced as data), goal, history, observation and actions."""
    actions = offered(situation)
    left_out = _left_out(situation.history, window)
    text = Template(_text("situation")).substitute(
        memory=_memory(situation),
        goal=situation.goal,
        history=_history(situation, left_out),
        observation=situation.observation,
        actions=_actions(actions),
    )
    messages = ({"role": "system", "content": _text(situation.domain)}, {"role": "user", "content": text})
    return Prompt(messages, _form(actions), len(situation.history) - left_out)


def offered(situation: Situation) -> tuple[str, ...]:
    """The admissible actions, each once, in an order of this step's own: models favour what comes first."""
    actions = sorted(set(situation.actions))
    random.Random(f"{situation.seed} {len(situation.history)} {situation.goal}").shuffle(actions)
    return tuple(actions)


def _memory(situation: Situation) -> str:
    if not situation.memory:
        return ""
    items = "\n\n".join(f"[{number}] {text}" for number, text in enumerate(situation.memory, 1))
    boundary = hashlib.sha256(f"{situation.seed} {items}".encode()).hexdigest()[:8]
    return Template(_text("memory")).substitute(items=items, boundary=boundary) + "\n"


def _history(situation: Situation, left_out: int) -> str:
    if not situation.history:
        return ""
    shown = [situation.first]
    if left_out:
        shown.append(f"({left_out} earlier steps are left out.)")
    shown += [f"> {turn.action}\n{turn.observation}" for turn in situation.history[left_out:]]
    if left_out < len(situation.history):
        shown[-1] = shown[-1].removesuffix(situation.observation).strip()  # it is shown below
    return "## What happened so far\n\n" + "\n\n".join(shown) + "\n\n"


def _left_out(history: Sequence[Turn], window: Window) -> int:
    left_out, half = 0, max(1, window.turns // 2)
    sizes = [len(turn.action) + len(turn.observation) for turn in history]
    while left_out < len(history) and (
        len(history) - left_out > window.turns or sum(sizes[left_out:]) > window.characters
    ):
        left_out += half
    return min(left_out, len(history))


def _actions(actions: Sequence[str]) -> str:
    if not actions:
        return "Any command of the game."
    return "One of these, to the letter:\n" + "\n".join(f"- {action}" for action in actions)


def _form(actions: Sequence[str]) -> Mapping[str, Any]:
    action = {"type": "string", "enum": list(actions)} if actions else {"type": "string"}
    properties = {"action": action}
    schema = {"type": "object", "properties": properties, "required": ["action"], "additionalProperties": False}
    return strict_format(schema)


@cache
def _text(name: str) -> str:
    return (PROMPTS / f"{name}.md").read_text(encoding="utf-8")
