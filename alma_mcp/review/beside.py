"""Both designs side by side: what they cost in time, tokens, money and memory, at the gate and in this home."""

from collections.abc import Iterator

from alma_mcp.evidence.dossier import Dossier, Side, SideCost
from alma_mcp.evidence.rehearsal import Performance
from alma_mcp.review.parts import Part, Table
from alma_mcp.review.request import Asked

MEGABYTE = 2**20
Row = tuple[str, float | None, float | None, str]
NOT_KNOWN = "not known"


def beside_of(asked: Asked) -> Part:
    """A row for each figure: the challenger's, the champion's, and what changes."""
    rows = [_score(asked.dossier), *map(_told, _rows(asked))]
    return Part("Side by side", (), Table(("figure", "challenger", "champion", "change"), tuple(rows)))


def _score(dossier: Dossier) -> tuple[str, ...]:
    new, old = dossier.challenger.score, dossier.champion.score
    return ("score at the gate [95 %]", str(new), str(old), f"{new.mean - old.mean:+.3f}")


def _rows(asked: Asked) -> Iterator[Row]:
    dossier = asked.dossier
    yield from _of_gate(dossier.challenger, dossier.champion)
    if rehearsal := asked.rehearsal:
        yield from _of_home(rehearsal.challenger, rehearsal.champion)


def _of_gate(new: Side, old: Side) -> Iterator[Row]:
    yield "failed tasks", new.failures, old.failures, ",.0f"
    yield "tokens returned for a task", new.tokens, old.tokens, ",.0f"
    yield "latency p95 at the gate, ms", new.latency_ms, old.latency_ms, ",.1f"
    if new.cost or old.cost:
        yield from _of_cost(new, old)
    if new.memory_bytes is not None or old.memory_bytes is not None:
        yield "main memory at the gate, MB", _megabytes(new.memory_bytes), _megabytes(old.memory_bytes), ",.1f"
    if new.state_bytes is not None or old.state_bytes is not None:
        yield "disk at the gate, MB", _megabytes(new.state_bytes), _megabytes(old.state_bytes), ",.1f"


def _of_cost(new: Side, old: Side) -> Iterator[Row]:
    ours, theirs = new.cost or SideCost(), old.cost or SideCost()
    yield "model calls of its own for a task", ours.calls, theirs.calls, ",.2f"
    if ours.calls or theirs.calls:
        yield "model tokens of its own for a task", ours.tokens, theirs.tokens, ",.0f"
        yield "dollars of its own for a task", ours.dollars, theirs.dollars, ",.5f"
    yield "tokens of the agent for a task", ours.agent_tokens, theirs.agent_tokens, ",.0f"


def _of_home(new: Performance, old: Performance) -> Iterator[Row]:
    yield "here: answer p50, ms", new.p50_ms, old.p50_ms, ",.1f"
    yield "here: answer p95, ms", new.p95_ms, old.p95_ms, ",.1f"
    yield "here: questions that failed", new.failed, old.failed, ",.0f"
    yield "here: main memory, MB", new.memory_mb, old.memory_mb, ",.1f"
    yield "here: disk, MB", new.disk_mb, old.disk_mb, ",.1f"


def _megabytes(size: int | None) -> float | None:
    return None if size is None else size / MEGABYTE


def _told(row: Row) -> tuple[str, ...]:
    name, new, old, form = row
    return (name, _figure(new, form), _figure(old, form), _change(new, old))


def _figure(value: float | None, form: str) -> str:
    return NOT_KNOWN if value is None else format(value, form)


def _change(new: float | None, old: float | None) -> str:
    if new is None or old is None:
        return "-"
    if new == old:
        return "the same"
    if not old:
        return "new"
    times = new / old
    return f"{times:.1f} times" if times >= 2 else f"{times - 1:+.0%}"
