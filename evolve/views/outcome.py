"""What became of a design, ready to be shown: without its tasks, so that hundreds are kept at little cost."""

import math
from dataclasses import dataclass
from typing import Literal

from alma_mcp.evidence.dossier import Interval
from evolve.evaluation import Evaluation, Rejection, Verdict
from evolve.views.told import told


@dataclass(frozen=True, slots=True)
class Outcome:
    """`told` is all of it in one line, `figure` the shortest way to say it.

    `worth` is the score on the whole split or the best guess of it, None where nothing was played; the `interval` is
    that of a design that was played whole. `latency_ms` is that within which 95 of 100 answers came.
    """

    kind: Literal["scored", "eliminated", "rejected"]
    told: str
    figure: str
    worth: float | None = None
    interval: Interval | None = None
    stage: str = ""
    tasks: int = 0
    failures: int = 0
    tokens: float = 0.0
    latency_ms: float = 0.0


def outcome(verdict: Verdict) -> Outcome:
    """The outcome of a verdict."""
    match verdict:
        case Rejection():
            return Outcome("rejected", told(verdict), f"rejected at {verdict.stage}", stage=verdict.stage)
        case Evaluation():
            score = None if verdict.eliminated else verdict.score
            return Outcome(
                kind="scored" if score else "eliminated",
                told=f"{score} {verdict.primary}" if score else told(verdict),
                figure=str(score) if score else f"about {verdict.worth:.3f}, out at {verdict.eliminated}",
                worth=None if not verdict.results or math.isnan(verdict.worth) else verdict.worth,
                interval=score if verdict.results else None,
                stage=verdict.eliminated,
                tasks=len(verdict.scores),
                failures=verdict.failures,
                tokens=verdict.tokens,
                latency_ms=verdict.latency_ms(0.95),
            )
