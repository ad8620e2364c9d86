"""The race for the finalists' places: when a search ends, who may still be among the best plays on.

The cascade eliminates on little evidence, beside the incumbent of its time. Here it is all looked at again: nobody is
a finalist who has not played the whole split, and nobody is left out who is likely to belong to them.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

from evolve.cascade import CascadeSettings, together
from evolve.cascade.posterior import Forecast, difficulty, forecast
from evolve.evaluation import Evaluation, Rejection, Verdict

Scores = Mapping[str, float]

Resume = Callable[[str, frozenset[str]], Awaitable[Verdict]]
"""Plays these tasks of the search split with a design; those that it has played are among them, and are known."""


async def race(
    evaluations: Mapping[str, Evaluation],
    order: Sequence[str],
    places: int,
    settings: CascadeSettings,
    resume: Resume,
) -> dict[str, Evaluation]:
    """Play on with candidates that were eliminated until the best `places` are settled; gives all evaluations anew.

    `order` names all tasks of the split; each design plays those first that it lacks. One that is played whole is no
    longer eliminated; the estimates of the others are made anew. A design that is rejected on the way is left out.
    """
    found = dict(evaluations)
    scores = {design: each.scores for design, each in found.items()}
    asked = {design: frozenset(each) for design, each in scores.items()}
    step = max(1, math.ceil(settings.chunk * len(order)))
    while running := contenders(scores, _eliminated(found), order, places, settings):
        for each in running:
            asked[each] |= frozenset([task for task in order if task not in asked[each]][:step])
        played = await asyncio.gather(*(resume(each, asked[each]) for each in running))
        for each, verdict in zip(running, played, strict=True):
            if isinstance(verdict, Rejection):
                del found[each], scores[each]
            else:
                eliminated = "" if len(asked[each]) == len(order) else found[each].eliminated
                found[each] = replace(together(found[each], verdict), eliminated=eliminated)
                scores[each] = verdict.scores
    estimates = _forecasts(scores, _eliminated(found), order, settings.prior_sd)
    return {
        design: replace(each, estimate=estimates[design].mean if each.eliminated else None)
        for design, each in found.items()
    }


def contenders(
    scores: Mapping[str, Scores],
    eliminated: Collection[str],
    tasks: Sequence[str],
    places: int,
    settings: CascadeSettings,
) -> list[str]:
    """The designs that play on now: those that have played least of the eliminated ones that are among the best by
    what is expected of them, or are better than the last of these with a probability that leaves a doubt.
    """
    if not eliminated:
        return []
    forecasts = _forecasts(scores, eliminated, tasks, settings.prior_sd)
    ranked = sorted(forecasts, key=lambda each: -forecasts[each].mean)
    last = forecasts[ranked[min(places, len(ranked)) - 1]]
    hopeful = [
        design
        for place, design in enumerate(ranked)
        if design in eliminated and (place < places or forecasts[design].above(last) >= settings.doubt)
    ]
    least = min((len(scores[each]) for each in hopeful), default=0)
    return [each for each in hopeful if len(scores[each]) == least]


def _eliminated(evaluations: Mapping[str, Evaluation]) -> set[str]:
    return {design for design, each in evaluations.items() if each.eliminated}


def _forecasts(
    scores: Mapping[str, Scores], eliminated: Collection[str], tasks: Sequence[str], prior_sd: float
) -> dict[str, Forecast]:
    """Of each design on all tasks; what was played whole is certain."""
    usual = difficulty(list(scores.values()), tasks)
    return {
        design: forecast(each, usual, prior_sd)
        if design in eliminated
        else Forecast(math.fsum(each.values()) / max(1, len(each)), 0.0)
        for design, each in scores.items()
    }
