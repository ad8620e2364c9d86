"""How long answers take, out of the questions that were kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from alma_mcp.logs.question_log import Question


@dataclass(frozen=True, slots=True)
class Latency:
    """Of `count` answers of one design: the median and the 95th percentile (seconds), and how many of them failed."""

    count: int = 0
    median: float | None = None
    p95: float | None = None
    failed: int = 0


def latency(questions: Sequence[Question], design: str) -> Latency:
    """The latency of the answers that the design with this short id gave."""
    answered = [each for each in questions if each.design == design and each.seconds > 0]
    taken = sorted(each.seconds for each in answered if not each.failed)
    failed = sum(each.failed for each in answered)
    if not taken:
        return Latency(len(answered), failed=failed)
    return Latency(len(answered), _quantile(taken, 0.5), _quantile(taken, 0.95), failed)


def _quantile(ordered: Sequence[float], part: float) -> float:
    """The smallest value that this part of all values does not exceed."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
