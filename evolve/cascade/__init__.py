"""The stages a candidate plays through: smoke, proxy, the whole search set. Each may eliminate it, none crowns it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from alma_mcp.design_store import Design
from evolve.benchmarks import Scope
from evolve.book import Booked
from evolve.cascade.posterior import PRIOR_SD, Forecast, difficulty, expectation, forecast
from evolve.cascade.proxy import leading, smoke
from evolve.evaluation import Evaluation, Rejection, Verdict
from evolve.playing import tasks_of
from evolve.runners import Job, Runner
from evolve.watching import Stage

FEW = 8
"""Fewer proxy tasks are none; a split with fewer than three times as many is played whole after the smoke."""


@dataclass(frozen=True, slots=True)
class CascadeSettings:
    """How soon a candidate may be eliminated.

    `smoke` tasks, of `smoke_clusters` clusters if they can be, come first; then a `proxy` share of the split; then
    the rest, in chunks of a `chunk` share. A candidate goes on while the probability that it is better than the
    incumbent is at least `threshold`. When a search ends, whoever may still be a finalist, with a probability of at
    least `doubt`, plays on. `prior_sd` is by how much designs differ.
    """

    smoke: int = 3
    smoke_clusters: int = 1
    proxy: float = 0.1
    chunk: float = 0.05
    threshold: float = 0.5
    doubt: float = 0.1
    prior_sd: float = PRIOR_SD


@dataclass(frozen=True, slots=True)
class Part:
    """One stage, or a chunk of one: it ends when the first `upto` tasks of a plan are played."""

    stage: Stage
    upto: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All tasks of a split in the order in which they are played, cut into parts. `usual` is what designs score."""

    order: tuple[str, ...]
    parts: tuple[Part, ...]
    usual: Mapping[str, float]
    settings: CascadeSettings = field(default_factory=CascadeSettings)


class Entries(Protocol):
    """The book of a design (`archive.ArchiveBook`)."""

    def entries(self) -> Sequence[Booked]: ...

    def keep(self, entry: Booked) -> None: ...


Watch = Callable[[Stage, int, int], None]
"""Told which stage a candidate is at, and how many of how many tasks of it are played."""


def plan(
    tasks: Mapping[str, str],
    rows: Sequence[Mapping[str, float]],
    settings: CascadeSettings,
    seed: int,
    after: Mapping[str, str] | None = None,
) -> Plan:
    """The stages for a split: `tasks` gives each one's cluster, `rows` the scores of each design that played it whole.

    `after` names, for a task of a memory that learns, the one that it is played behind (`learning_order`).
    """
    first = smoke(tasks, settings.smoke, seed, settings.smoke_clusters, after)
    order = leading(tasks, rows, seed, after, first)
    return Plan(tuple(order), tuple(_parts(len(order), settings)), difficulty(rows, list(tasks)), settings)


def learning_order(scopes: Sequence[Scope]) -> dict[str, str]:
    """Each task of a memory that learns from what it plays, but its first, with the one before it."""
    after: dict[str, str] = {}
    for scope in scopes:
        if scope.learning:
            ids = list(dict.fromkeys(task.id for task in tasks_of(scope)))
            after.update(zip(ids[1:], ids, strict=False))
    return after


async def play_cascade(
    design: Design, plan: Plan, incumbent: Evaluation | None, runner: Runner, book: Entries, watch: Watch
) -> Verdict:
    """Play part after part of a plan, until the candidate is eliminated or has played all.

    What is in the book is not played again. Without an incumbent nothing is eliminated. A design that fails on every
    smoke task is a `Rejection`. Raises what `runner.play` raises.
    """
    before, begun = None, 0
    for number, part in enumerate(plan.parts):
        verdict = await _play(design, plan, part, begun, runner, book, watch)
        if isinstance(verdict, Rejection):
            return verdict
        before = verdict = together(before, verdict)
        last = number == len(plan.parts) - 1
        if part.stage == "smoke" and (reason := _smoking(verdict)):
            return Rejection(design.id, "smoke test", reason)
        if incumbent and not last and (found := eliminated(verdict, plan, incumbent)):
            return replace(verdict, eliminated=part.stage, estimate=found.mean)
        begun = part.upto if last or plan.parts[number + 1].stage != part.stage else begun
    return verdict


def eliminated(evaluation: Evaluation, plan: Plan, incumbent: Evaluation) -> Forecast | None:
    """What the whole split would show of a candidate that is not likely enough to be better; None if it goes on."""
    expected = expectation(plan.usual, incumbent.scores)
    found = forecast(evaluation.scores, expected, plan.settings.prior_sd)
    return found if found.above(Forecast(incumbent.mean, 0.0)) < plan.settings.threshold else None


def together(before: Evaluation | None, now: Evaluation) -> Evaluation:
    """An evaluation with what those of the parts before it took."""
    if before is None:
        return now
    return replace(
        now,
        seconds=before.seconds + now.seconds,
        unanswered=before.unanswered + now.unanswered,
        asked=before.asked + now.asked,
        asked_tokens_in=before.asked_tokens_in + now.asked_tokens_in,
        asked_tokens_out=before.asked_tokens_out + now.asked_tokens_out,
    )


async def _play(
    design: Design, plan: Plan, part: Part, begun: int, runner: Runner, book: Entries, watch: Watch
) -> Verdict:
    """Everything up to the end of a part. The stage it belongs to began behind the first `begun` tasks."""
    only = frozenset(plan.order[: part.upto])
    known = tuple(entry for entry in book.entries() if entry.result.task in only)
    done = {entry.result.task for entry in known} - set(plan.order[:begun])
    total = max(each.upto for each in plan.parts if each.stage == part.stage) - begun

    def keep(entry: Booked) -> None:
        book.keep(entry)
        done.add(entry.result.task)
        watch(part.stage, len(done), total)

    watch(part.stage, len(done), total)
    return await runner.play(Job(design, "search", only, known), keep)


def _smoking(evaluation: Evaluation) -> str:
    """Why a design does not even pass the smoke tasks; empty if it does."""
    results = evaluation.results
    if not results or not all(each.failed for each in results):
        return ""
    return f"it failed on all of its first {len(results)} tasks: {results[0].failed}"


def _parts(whole: int, settings: CascadeSettings) -> list[Part]:
    proxy = max(FEW, round(settings.proxy * whole))
    parts = [Part("smoke", settings.smoke)] if settings.smoke < whole else []
    if whole >= 3 * FEW and settings.smoke < proxy < whole:
        parts.append(Part("proxy", proxy))
        step = max(1, math.ceil(settings.chunk * whole))
        parts.extend(Part("search set", upto) for upto in range(proxy + step, whole, step))
    return [*parts, Part("search set", whole)]
