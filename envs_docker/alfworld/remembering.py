"""TextWorld's PDDL engine works out the same things over and over; here they are worked out once.

A reset translates its problem four times, twice of them for a planner that is never asked; each step parses the
same sentences and conditions of the grammar again, and copies every entity for each word that it derives. What is
parsed depends on its text alone, and nothing changes an entity, so texts, actions and their order stay the same.
"""

from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any

import fast_downward
from textworld.envs.pddl import textgen

KEPT = 4096

_translate = fast_downward.pddl2sas
_parse = textgen._parse_and_convert  # noqa: SLF001 - there is no public one
_condition = textgen.Rule.parse_conjunctive_query


def remember() -> None:
    """Make the engine keep the translation of its last problem, and what it has parsed."""
    fast_downward.pddl2sas = _translated
    textgen._parse_and_convert = _parsed  # noqa: SLF001
    textgen.Rule.parse_conjunctive_query = lru_cache(maxsize=KEPT)(_condition)
    textgen.copy_context = _with_own_names


def _translated(domain: str, problem: str, **_how: bool) -> Any:
    return _translation(domain, problem)


@lru_cache(maxsize=1)
def _translation(domain: str, problem: str) -> Any:
    return _translate(domain, problem)


def _parsed(text: str, rule_name: str, **_how: bool) -> Any:
    return deepcopy(_symbols(text, rule_name))


@lru_cache(maxsize=KEPT)
def _symbols(text: str, rule_name: str) -> Any:
    return _parse(text, rule_name=rule_name)


def _with_own_names(context: Mapping[str, Any]) -> dict[str, Any]:
    return {**context, "variables": dict(context["variables"]), "mapping": dict(context["mapping"])}
