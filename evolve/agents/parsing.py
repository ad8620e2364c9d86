"""From a model's words to one action: strictly, never by a guess."""

import json
import re
from collections.abc import Sequence
from typing import Any

from evolve.agents import Decision

LONGEST = 200
FENCED = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
FORM = 'The answer must be one JSON object like {"action": "..."} and nothing else.'


def read_action(text: str, actions: Sequence[str]) -> Decision:
    """The one action in a model's answer, as the domain spells it; or a `problem`, a sentence for the model.

    The answer is a JSON object whose only key is `action`, by itself or in one code fence. Where the domain
    lists `actions`, it must be one of them, but for case and the spaces around it.
    """
    fenced = FENCED.fullmatch(text.strip())
    try:
        answer = json.loads(fenced[1] if fenced else text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        return _lost(FORM)
    match answer:
        case [("action", str(action))]:
            return _one_of(actions, action.strip()) if actions else _free(action.strip())
        case _:
            return _lost(FORM)


def _one_of(actions: Sequence[str], action: str) -> Decision:
    if action in actions:
        return Decision(action)
    same = [each for each in actions if each.strip().casefold() == action.casefold()]
    return Decision(same[0]) if len(same) == 1 else _lost(f"{action[:LONGEST]!r} is not one of the actions listed.")


def _free(action: str) -> Decision:
    if not action or len(action) > LONGEST or not action.isprintable():
        return _lost(f"An action is one line of 1 to {LONGEST} characters.")
    return Decision(action)


def _pairs(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """An object as it was written, so that a key given twice is seen."""
    return pairs


def _lost(problem: str) -> Decision:
    return Decision("", problem=problem)
