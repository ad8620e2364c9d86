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
    "alfworld",
    "textworld",
    "babaisai",
    "minihack",
]
BENCHMARKS: tuple[BenchmarkName, ...] = get_args(BenchmarkName)

Control = Literal["no_memory", "empty", "random", "most_recent", "shuffled"]
CONTROLS: tuple[Control, ...] = get_args(Control)

Recall = Callable[[Query], Awaitable[Retrieval]]
"""Asks the memory under test. A benchmark with an agent asks as often as its agent acts."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to play. `answer` is for the benchmark alone; `cluster` is what an interval resamples.

    A task that is played several times stands in its scope as often, each time with another `seed`.
    """

    id: str
    query: Query
    answer: frozenset[str]
    cluster: str
    category: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a task: its metrics, what there is to remember of it where the memory may learn from it, and the
    id of its trajectory where one was kept."""

    metrics: Mapping[str, float]
    experience: Experience | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the memory is told of these experiences, by their ids. `time` is seconds since the epoch, UTC."""

    experiences: tuple[str, ...]
    signal: Signal
    time: float


@dataclass(frozen=True, slots=True)
class Scope:
    """One memory's life.

    Where `learning`, the memory takes in each task as it was played. Up to `at_once` tasks that follow one
    another are played side by side; a memory that learns plays them one by one. `controls` are the
    conditions that its score is measured beside.
    """

    name: str
    moments: Sequence[Experience | Feedback | Task]
    facts: Mapping[str, Any] = field(default_factory=dict)
    learning: bool = False
    at_once: int = 1
    controls: Sequence[Control] = CONTROLS


class Benchmark(Protocol):
    """A domain. `primary` names the metric that a search improves, in [0, 1]."""

    name: str
    primary: str

    def scopes(self, split: Split) -> Sequence[Scope]:
        """The memories of a split. Raises `DataMissing`."""

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:
        """Play one task. Raises whatever `recall` raises, and `InfrastructureFault` where nothing can be measured."""


@runtime_checkable
class Prepares(Protocol):
    """A benchmark that must collect before there is anything to remember."""

    async def prepare(self, split: Split, progress: Callable[[int, int], None] | None) -> None:
        """Make ready what `scopes` gives, telling how many of how many are done. Raises `InfrastructureFault`."""


@runtime_checkable
class KnowsPopular(Protocol):
    """A benchmark that can say what the answers given most often before would score."""

    def popular(self, scope: Scope, task: Task) -> float:
        """The primary metric of the most popular answer to a task."""


def ranked_experiences(retrieval: Retrieval) -> list[str]:
    """The distinct experiences that a retrieval rests on, best first."""
    return list(dict.fromkeys(each for item in retrieval.items for each in item.experiences))
