"""Percentiles of one server, and what was aimed at: ratios between ours and the best of the others."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.peers.line import Line


@dataclass(frozen=True, slots=True)
class Target:
    """An aim, and what was measured: `ratio` is None where a side was not measured."""

    aim: str
    bound: float
    at_least: bool
    ratio: float | None
    against: str

    @property
    def verdict(self) -> str:
        if self.ratio is None:
            return "not measured"
        met = self.ratio >= self.bound if self.at_least else self.ratio <= self.bound
        return f"{'met' if met else 'missed'}: {self.ratio:.2f}x ({self.against})"


def percentile(times: Sequence[float], cut: int) -> float:
    """The `cut`-th percentile, interpolated within what was measured."""
    if len(times) == 1:
        return times[0]
    return statistics.quantiles(times, n=100, method="inclusive")[cut - 1]


def targets(lines: Sequence[Line]) -> list[Target]:
    """The aims of the first line, which is ours, against the others that search by meaning and found what was asked."""
    ours, *others = lines
    rivals = [line for line in others if line.semantic]
    size = max(ours.sizes, default=0)
    starts = {line.peer: statistics.median(line.to_tools["cold"]) for line in rivals if line.to_tools.get("cold")}
    answers = {line.peer: statistics.median(line.to_search["cold"]) for line in rivals if line.to_search.get("cold")}
    searches = {line.peer: search_p95(line, size) for line in rivals if search_p95(line, size)}
    warm_start = ours.to_tools.get("warm")
    warm_answer = ours.to_search.get("warm")
    aims = [
        _faster("warm start to `tools/list`", warm_start and statistics.median(warm_start), starts),
        _faster("warm start to the first answered search", warm_answer and statistics.median(warm_answer), answers),
        _faster(f"search p95 at {size:,}", search_p95(ours, size), searches),
    ]
    return [*aims, *(_sessions(name, held) for name, held in (("RSS", ours.resident), ("PSS", ours.proportional)))]


def search_p95(line: Line, size: int) -> float | None:
    """Milliseconds; None where there was no search, or none that found anything."""
    figures = line.sizes.get(size)
    return percentile(figures.searches, 95) if figures and figures.hits else None


def _faster(what: str, ours: float | None, rivals: dict[str, float | None]) -> Target:
    aim = f"{what}: at least 5x faster than the best peer that searches by meaning"
    best = min(rivals, key=lambda name: rivals[name] or 0, default=None)
    if best is None or not ours:
        return Target(aim, 5, at_least=True, ratio=None, against="")
    value = rivals[best]
    assert value
    return Target(aim, 5, at_least=True, ratio=value / ours, against=f"{best} {value:,.1f} ms, ours {ours:,.1f} ms")


def _sessions(name: str, held: dict[int, float]) -> Target:
    aim = f"memory ({name}) of four sessions: at most 1.2x that of one"
    if not {1, 4} <= held.keys():
        return Target(aim, 1.2, at_least=False, ratio=None, against="")
    return Target(aim, 1.2, at_least=False, ratio=held[4] / held[1], against=f"{held[1]:.0f} MB, then {held[4]:.0f} MB")
