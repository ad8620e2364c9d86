"""Benchmarks: one file a domain, one protocol.

A benchmark has independent scopes (a conversation, a repository), each an ordered run of moments: an
`Experience` or a `Feedback` to take in, or a `Task` to play with what the memory returns. Tasks behind all
experiences make a static benchmark, tasks between them a dynamic one. A design sees queries, experiences and
feedback alone; what is right stays with `play`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from alma_mcp.contract import Experience, Query, Retrieval, Signal

Split = Literal["search", "validation", "gate", "all"]
SPLITS: tuple[Split, ...] = ("search", "validation", "gate", "all")

BenchmarkName = Literal[
    "locomo",
    "locomo_turns",
    "longmemeval",
    "beam",
    "coding_stream",
    "swebench_stream",
    "git_history",
    "replay",
]
BENCHMARKS: tuple[BenchmarkName, ...] = get_args(BenchmarkName)

Recall = Callable[[Query], Awaitable[Retrieval]]
"""Asks the memory under test. A benchmark with an agent asks as often as its agent acts."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to play. `answer` is for the benchmark alone; `cluster` is what an interval resamples."""

    id: str
    query: Query
    answer: frozenset[str]
    cluster: str
    category: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the memory is told of these experiences, by their ids. `time` is seconds since the epoch, UTC."""

    experiences: tuple[str, ...]
    signal: Signal
    time: float


@dataclass(frozen=True, slots=True)
class Scope:
    """One memory's life."""

    name: str
    moments: Sequence[Experience | Feedback | Task]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Benchmark(Protocol):
    """A domain. `primary` names the metric that a search improves; every metric is in [0, 1]."""

    name: str
    primary: str

    def scopes(self, split: Split) -> Sequence[Scope]:
        """The memories of a split. Raises `DataMissing`."""

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Mapping[str, float]:
        """The metrics of one task. Raises whatever `recall` raises."""


@runtime_checkable
class KnowsPopular(Protocol):
    """A benchmark that can say what the answers given most often before would score."""

    def popular(self, scope: Scope, task: Task) -> float:
        """The primary metric of the most popular answer to a task."""


def ranked_experiences(retrieval: Retrieval) -> list[str]:
    """The distinct experiences that a retrieval rests on, best first."""
    return list(dict.fromkeys(each for item in retrieval.items for each in item.experiences))
