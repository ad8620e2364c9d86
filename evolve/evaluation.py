"""What became of a design on a benchmark: an `Evaluation`, or a `Rejection` with the reason."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from alma_mcp.dossier import Interval
from evolve.benchmarks import Split
from evolve.compare import interval

VERSION = 1


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One played task: its metrics, what came back, how long it took. `failed` is the design's fault, and scores 0."""

    task: str
    cluster: str
    metrics: Mapping[str, float]
    tokens: int
    latency_ms: float
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every task of a split, played by one design, beside the controls (mean of the primary metric)."""

    design: str
    name: str
    benchmark: str
    split: Split
    primary: str
    results: Sequence[TaskResult]
    controls: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def scores(self) -> dict[str, float]:
        """The primary metric of each task."""
        return {result.task: result.metrics.get(self.primary, 0.0) for result in self.results}

    @property
    def clusters(self) -> dict[str, str]:
        return {result.task: result.cluster for result in self.results}

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
            "controls": dict(self.controls),
            "failures": self.failures,
            "tokens": round(self.tokens, 1),
            "latency_ms": {"p50": round(self.latency_ms(0.5), 2), "p95": round(self.latency_ms(0.95), 2)},
            "seconds": round(self.seconds, 1),
        }

    def _interval(self, name: str) -> Interval:
        having = [result for result in self.results if name in result.metrics or result.failed]
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
    return json.dumps({"kind": kind, "version": VERSION, **asdict(verdict)})


def from_json(text: str) -> Verdict:
    """The verdict of its text."""
    fields = json.loads(text)
    kind, _ = fields.pop("kind"), fields.pop("version")
    if kind == "rejection":
        return Rejection(**fields)
    results = [TaskResult(**result) for result in fields.pop("results")]
    return Evaluation(results=results, **fields)
