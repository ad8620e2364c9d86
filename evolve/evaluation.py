"""What became of a design on a benchmark: an `Evaluation`, or a `Rejection` with the reason."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from alma_mcp.evidence.dossier import Interval
from evolve.benchmarks import Split
from evolve.compare import compare, interval

VERSION = 2
"""Of how a task is played and scored: results of another version are not compared."""

SHAPE = 3
"""Of a verdict's JSON."""

AGENT_TOKENS = ("agent_tokens_in", "agent_tokens_out")
COUNTS = frozenset({"steps", *AGENT_TOKENS, "agent_seconds"})
"""Metrics that are no scores: of a task on which the design failed there is none, where a score is 0."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One played task: its metrics, what came back, how long it took. `failed` is the design's fault, and scores 0.

    A task that is played several times has a result for each `seed`;
    `trace` is the id of its trajectory where one was kept.
    """

    task: str
    cluster: str
    metrics: Mapping[str, float]
    tokens: int
    latency_ms: float
    failed: str = ""
    seed: int = 0
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every task of a split, played by one design, beside the controls (primary metric of each task, by control).

    `missing` names the tasks that could not be measured, once for each time. `unanswered` counts what the design
    asked of a model where there was none: its score is that of what it does without.

    A candidate that a search has `eliminated` names the stage at which it was: not all tasks of the split were
    played then, and `estimate` is what the whole split would have shown, by what is known of its incumbent.
    `asked` counts what the design had answered by a model, and the tokens of it. `memory_bytes` and `state_bytes` are
    the most that one filled memory took of main memory and of the disk, 0 where nobody measured it.
    """

    design: str
    name: str
    benchmark: str
    split: Split
    primary: str
    results: Sequence[TaskResult]
    control_scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    missing: Sequence[str] = field(default_factory=list)
    unanswered: int = 0
    seconds: float = 0.0
    eliminated: str = ""
    estimate: float | None = None
    asked: int = 0
    asked_tokens_in: int = 0
    asked_tokens_out: int = 0
    memory_bytes: int = 0
    state_bytes: int = 0

    @property
    def mean(self) -> float:
        """The primary metric without its interval, which takes longer; 0 where nothing was played."""
        found = [result.metrics.get(self.primary, 0.0) for result in self.results]
        return math.fsum(found) / len(found) if found else 0.0

    @property
    def worth(self) -> float:
        """Its score on the whole split, or the best guess of it."""
        return self.mean if self.estimate is None else self.estimate

    @property
    def scores(self) -> dict[str, float]:
        """The primary metric of each task, its mean where it was played several times."""
        played: dict[str, list[float]] = {}
        for result in self.results:
            played.setdefault(result.task, []).append(result.metrics.get(self.primary, 0.0))
        return {task: math.fsum(scores) / len(scores) for task, scores in played.items()}

    @property
    def controls(self) -> dict[str, float]:
        """The mean of the primary metric under each control."""
        return {name: statistics.fmean(scores.values()) for name, scores in self.control_scores.items()}

    @property
    def clusters(self) -> dict[str, str]:
        return {result.task: result.cluster for result in self.results}

    @property
    def gains(self) -> dict[str, Interval]:
        """The primary metric minus that of each control, in pairs: what the memory itself is worth."""
        return {
            name: compare(self.scores, scores, self.clusters).difference for name, scores in self.control_scores.items()
        }

    @property
    def score(self) -> Interval:
        """The primary metric."""
        return self._interval(self.primary)

    @property
    def tokens(self) -> float:
        """Mean tokens returned a task (four characters a token)."""
        return statistics.fmean(result.tokens for result in self.results) if self.results else 0.0

    @property
    def failures(self) -> int:
        return sum(1 for result in self.results if result.failed)

    def latency_ms(self, quantile: float) -> float:
        """A quantile of the time from asking the design to its answer."""
        times = sorted(result.latency_ms for result in self.results)
        return times[min(int(quantile * len(times)), len(times) - 1)] if times else 0.0

    def summary(self) -> dict[str, Any]:
        """The report that `alma-evolve evaluate` ends with."""
        names = dict.fromkeys(name for result in self.results for name in result.metrics)
        return {
            "design": self.design,
            "name": self.name,
            "benchmark": self.benchmark,
            "split": self.split,
            "tasks": len(self.results),
            "metrics": {name: self._interval(name).model_dump() for name in names},
            "controls": self.controls,
            "gains": {name: gain.model_dump() for name, gain in self.gains.items()},
            "failures": self.failures,
            "missing": len(self.missing),
            "unanswered": self.unanswered,
            "tokens": round(self.tokens, 1),
            "latency_ms": {"p50": round(self.latency_ms(0.5), 2), "p95": round(self.latency_ms(0.95), 2)},
            "memory_bytes": self.memory_bytes,
            "state_bytes": self.state_bytes,
            "seconds": round(self.seconds, 1),
        }

    def _interval(self, name: str) -> Interval:
        scores = name not in COUNTS
        having = [result for result in self.results if name in result.metrics or (result.failed and scores)]
        return interval([result.metrics.get(name, 0.0) for result in having], [result.cluster for result in having])


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that was not scored: at which stage it fell, and why."""

    design: str
    stage: str
    reason: str
    trace: str = ""


Verdict = Evaluation | Rejection


def to_json(verdict: Verdict) -> str:
    """A verdict as text for the archive."""
    kind = "evaluation" if isinstance(verdict, Evaluation) else "rejection"
    return json.dumps({"kind": kind, "version": SHAPE, **asdict(verdict)})


def from_json(text: str) -> Verdict:
    """The verdict of its text."""
    fields = json.loads(text)
    kind, version = fields.pop("kind"), fields.pop("version")
    if version == 1:  # which kept only the means of the controls
        fields.pop("controls", None)
    if kind == "rejection":
        return Rejection(**fields)
    results = [TaskResult(**result) for result in fields.pop("results")]
    return Evaluation(results=results, **fields)
