"""A few tasks of the search split as they went, whole, for whoever is to improve a design: never what is right."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alma_mcp.contract import Query, Retrieval
from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from alma_mcp.home import Home
from evolve.benchmarks import Benchmark, Played, Prepares, Recall, Scope, Split, Task
from evolve.episode import Episode
from evolve.episodes import Episodes
from evolve.evaluate import evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Evaluation
from evolve.meta.briefing import Witness

LONGEST = 3000
"""Characters of one task."""
ASKED = 800
ITEM = 240
OBSERVED = 160
FIRST_STEPS = 4
LAST_STEPS = 8


@dataclass(slots=True)
class _Seen:
    """What was asked of the memory in one task, and what came back."""

    task: Task
    asked: list[tuple[Query, Retrieval]] = field(default_factory=list)


class _Watched:
    """A benchmark whose tasks are looked at while they are played."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.name = benchmark.name
        self.primary = benchmark.primary
        self.seen: dict[str, _Seen] = {}
        self._benchmark = benchmark

    async def prepare(self, split: Split, progress: Callable[[int, int], None] | None) -> None:
        if isinstance(self._benchmark, Prepares):
            await self._benchmark.prepare(split, progress)

    def scopes(self, split: Split) -> Sequence[Scope]:
        return self._benchmark.scopes(split)

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:
        seen = self.seen[task.id] = _Seen(task)

        async def watched(query: Query) -> Retrieval:
            retrieval = await recall(query)
            seen.asked.append((query, retrieval))
            return retrieval

        return await self._benchmark.play(scope, task, watched)


async def witness(
    design: Design,
    benchmark: Benchmark,
    evaluation: Evaluation,
    laboratory: Laboratory,
    chance: random.Random,
    count: int = 3,
    *,
    episodes: Episodes | None = None,
) -> list[str]:
    """So many tasks as texts: the worst, and last one of the best. Chance decides between equals.

    A task whose trajectory was kept is read from `episodes`; the others are asked again of the design, which plays
    nothing where a task is a retrieval. Only for evaluations of the search split. Raises `HostError`.
    """
    assert evaluation.split == "search", "only the search split may be shown"
    chosen = _chosen(evaluation, chance, count)
    traced = {result.task: result.trace for result in evaluation.results if result.trace}
    told = {task: text for task in chosen if (text := _episode(episodes, traced.get(task, ""), evaluation, task))}
    again = [task for task in chosen if task not in told]
    if again and not traced:
        told |= await _asked_again(design, benchmark, evaluation, laboratory, again)
    elif again:
        told |= {task: _silent(evaluation, task) for task in again}
    return [told[task][:LONGEST] for task in chosen if task in told]


def _chosen(evaluation: Evaluation, chance: random.Random, count: int) -> list[str]:
    scores = evaluation.scores
    tasks = sorted(scores)
    chance.shuffle(tasks)
    tasks.sort(key=lambda task: scores[task])
    return tasks if len(tasks) <= count else [*tasks[: count - 1], tasks[-1]]


async def _asked_again(
    design: Design, benchmark: Benchmark, evaluation: Evaluation, laboratory: Laboratory, tasks: Sequence[str]
) -> dict[str, str]:
    watched = _Watched(benchmark)
    await evaluate(design, watched, "search", laboratory, only=frozenset(tasks))
    return {task: _retrieval(seen, evaluation) for task, seen in watched.seen.items() if task in tasks}


def _retrieval(seen: _Seen, evaluation: Evaluation) -> str:
    lines = [_head(evaluation, seen.task.id)]
    if seen.task.category:
        lines.append(f"Kind: {seen.task.category}")
    for query, retrieval in seen.asked or [(seen.task.query, Retrieval(note="Nothing came back."))]:
        lines.append(f"Asked, at most {query.limit} items: {_cut(query.text, ASKED)}")
        if query.context:
            lines.append(f"In the context: {_cut(query.context, ASKED)}")
        lines += [f"Returned {len(retrieval.items)} items. {retrieval.note}".rstrip()]
        for number, item in enumerate(retrieval.items, start=1):
            reasons = f" ({', '.join(item.reasons)})" if item.reasons else ""
            lines.append(f"{number}. [{item.score:.3f}]{reasons} {_cut(item.text, ITEM)}")
    return "\n".join(lines)


def _episode(episodes: Episodes | None, trace: str, evaluation: Evaluation, task: str) -> str:
    """The episode of a trace as text; empty where it cannot be found."""
    if not trace or episodes is None:
        return ""
    try:
        episode = episodes.find(trace)
    except EvolveError:
        return ""
    given = [f"- {_cut(each, ITEM)}" for each in episode.retrieved] or ["- nothing"]
    head = [
        _head(evaluation, task),
        f"{'Won' if episode.won else 'Not won'} in {len(episode.steps)} steps, score {episode.score:.2f}.",
        f"Goal: {_cut(episode.goal, ASKED)}",
        f"First seen: {_cut(episode.first, ASKED)}",
    ]
    return "\n".join([*head, "What memory gave:", *given, "What was done:", *_steps(episode)])


def _steps(episode: Episode) -> list[str]:
    lines = [
        f"{number}. {step.action} -> {_cut(step.observation, OBSERVED)}"
        for number, step in enumerate(episode.steps, start=1)
    ]
    left_out = len(lines) - FIRST_STEPS - LAST_STEPS
    if left_out <= 0:
        return lines
    return [*lines[:FIRST_STEPS], f"({left_out} steps left out)", *lines[-LAST_STEPS:]]


def _silent(evaluation: Evaluation, task: str) -> str:
    return f"{_head(evaluation, task)}\nThe memory returned nothing, so it was played as without memory."


def _head(evaluation: Evaluation, task: str) -> str:
    """What a task was scored, and whether the design failed on it."""
    played = [result for result in evaluation.results if result.task == task]
    failed = "".join(f" The design failed: {each}" for each in dict.fromkeys(r.failed for r in played if r.failed))
    return f"Scored {evaluation.scores[task]:.3f} ({evaluation.primary}).{failed}"


def _cut(text: str, characters: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= characters else f"{flat[: characters - 1]}…"


def witnessing(benchmark: Benchmark, laboratory: Laboratory, home: Home) -> Witness:
    """A witness of what is played on a benchmark in this laboratory."""
    episodes = Episodes(home.episodes)

    async def told(design: Design, evaluation: Evaluation, chance: random.Random) -> Sequence[str]:
        return await witness(design, benchmark, evaluation, laboratory, chance, episodes=episodes)

    return told
