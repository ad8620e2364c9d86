"""The guard-rails of the gate: what speaks against a challenger, whatever its gain. A function each."""

import statistics
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from evolve.compare import sign_flip_p_value
from evolve.config import GateSettings
from evolve.gate.decision import Decision
from evolve.gate.match import Match

GRACE_MS = 10.0
GRACE_TOKENS = 500
MOST_MISSING = 0.2
KIND_TASKS = 8
KIND_LOSS = 0.10
KIND_LEVEL = 0.05

GuardRail = Callable[[Match, GateSettings], Iterator[str]]
"""Objections to the challenger of a match, a sentence each without its full stop."""


def objections(decision: Decision, match: Match, settings: GateSettings) -> tuple[str, ...]:
    """Why the challenger must not be promoted; none where it may."""
    found = [*_of_decision(decision, match)]
    for rail in GUARD_RAILS:
        found.extend(rail(match, settings))
    return tuple(found)


def _of_decision(decision: Decision, match: Match) -> Iterator[str]:
    if decision.futile:
        yield f"stopped for futility after {decision.tasks} of {match.planned} tasks"
    if not decision.enough:
        yield f"the gain {decision.mean:.3f} is below the minimum {decision.minimum_effect:g}"
    if not decision.beyond_chance:
        yield f"the gain may be chance: p = {decision.p_value:.4f}, needed < {decision.alpha:.4f}"


def missing(match: Match, _: GateSettings) -> Iterator[str]:
    """Too few pairs are left to judge by."""
    if match.missing > MOST_MISSING * match.plays:
        yield f"too much is missing: {match.missing} of {match.plays} plays were lost for one side or both"


def failures(match: Match, _: GateSettings) -> Iterator[str]:
    """It breaks down oftener than the champion."""
    new, old = match.challenger.failures, match.champion.failures
    if new > old:
        yield f"it failed on {new} tasks, the champion on {old}"


def latency(match: Match, settings: GateSettings) -> Iterator[str]:
    """It makes an agent wait."""
    new, old = match.challenger.latency_ms(0.95), match.champion.latency_ms(0.95)
    slowest = settings.latency_ratio * old + GRACE_MS
    if new > slowest:
        yield f"its p95 latency is {new:.0f} ms, more than {slowest:.0f} ms"


def tokens(match: Match, settings: GateSettings) -> Iterator[str]:
    """It fills an agent's context."""
    new, old = match.challenger.tokens, match.champion.tokens
    if new > settings.tokens_ratio * old + GRACE_TOKENS:
        yield f"it returns {new:.0f} tokens a task, the champion {old:.0f}"


def smuggling(match: Match, settings: GateSettings) -> Iterator[str]:
    """Its memory knows something before it was told anything."""
    controls = match.challenger.controls
    gained = controls.get("empty", 0.0) - controls.get("no_memory", 0.0)
    if gained > settings.minimum_effect:
        yield f"it gains {gained:.3f} with an empty memory: task knowledge in its code"


def collapse(match: Match, _: GateSettings) -> Iterator[str]:
    """It gives up one kind of tasks for the others: worse there by more than 0.10, and beyond chance."""
    for kind, differences in sorted(match.kinds().items()):
        mean = statistics.fmean(differences)
        if len(differences) < KIND_TASKS or mean >= -KIND_LOSS:
            continue
        p_value = sign_flip_p_value(-np.array(differences))
        if p_value < KIND_LEVEL:
            yield f"it is worse by {-mean:.3f} on the {len(differences)} tasks of {kind} (p = {p_value:.4f})"


GUARD_RAILS: Sequence[GuardRail] = (missing, failures, latency, tokens, smuggling, collapse)
