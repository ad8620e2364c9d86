"""What became of a design: in one line for a person, and as plain data for a program."""

import math
from typing import Any

from alma_mcp.evidence.dossier import Interval
from evolve.evaluation import Evaluation, Rejection, Verdict

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


def told(verdict: Verdict) -> str:
    """A verdict in one line."""
    match verdict:
        case Evaluation(eliminated=""):
            return f"{verdict.score} {verdict.primary}"
        case Evaluation():
            return f"eliminated at {verdict.eliminated}, estimate {verdict.worth:.3f} {verdict.primary}"
        case Rejection():
            return f"rejected at {verdict.stage}: {one_line(verdict.reason)}"


def verdict_data(verdict: Verdict | None) -> dict[str, Any]:
    """A verdict without its tasks; `score` is None where there is none, and `estimate` is of an eliminated design."""
    match verdict:
        case None:
            return {"status": "not evaluated", "score": None}
        case Rejection():
            return {"status": "rejected", "score": None, "stage": verdict.stage, "reason": verdict.reason}
        case Evaluation():
            return {
                "status": "eliminated" if verdict.eliminated else "scored",
                "score": interval_data(verdict.score),
                "primary": verdict.primary,
                "stage": verdict.eliminated,
                "estimate": None if verdict.estimate is None or math.isnan(verdict.estimate) else verdict.estimate,
                "tasks": len(verdict.scores),
                "failures": verdict.failures,
                "missing": len(verdict.missing),
                "tokens": round(verdict.tokens, 1),
                "latency_ms_p95": round(verdict.latency_ms(0.95), 2),
                "controls": verdict.controls,
            }


def interval_data(interval: Interval) -> dict[str, float] | None:
    """An interval as data; None where nothing was measured."""
    return None if math.isnan(interval.mean) else interval.model_dump()


def plain(text: str) -> str:
    """A text of a model or a file, with nothing in it that a terminal would obey."""
    return "".join(each if each.isprintable() or each in "\n\t" else UNPRINTABLE for each in text)


def one_line(text: str) -> str:
    """The same in one line."""
    return " ".join(plain(" ".join(text.split())).split())
