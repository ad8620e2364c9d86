"""How the memory is, as a person and a model read it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from alma_mcp import __version__
from alma_mcp.serving.swap import Swap


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot of the engine. `events` counts log rows by scope; `warnings` are sentences."""

    home: str
    champion: str
    champion_id: str
    sandbox: str
    embedder: str
    events: Mapping[str, int]
    workers: int
    worker_megabytes: int
    quarantined: int
    sessions: int
    pending: int
    swap: Swap | None
    warnings: Sequence[str]
    canary: str = ""
    rehearsals: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        return {"version": __version__, **asdict(self)}

    def __str__(self) -> str:
        lines = [
            f"alma-mcp {__version__}, home {self.home}",
            f"Champion: {self.champion} ({self.champion_id[:12]})",
            f"Stored: {sum(self.events.values()):,} events in {len(self.events)} scopes; {self.sessions} open sessions",
            f"Designs run in: {self.sandbox}; {self.workers} workers, {self.worker_megabytes} MB",
            f"Embeddings: {self.embedder}",
        ]
        if self.swap and self.swap.refused:
            lines.append(f"Swap to {self.swap.design[:12]} refused: {self.swap.refused}")
        elif self.swap:
            what = "Embedding all anew" if self.swap.reembeds else f"Swap to {self.swap.design[:12]}"
            left = f", about {duration(self.swap.seconds_left)} left" if self.swap.seconds_left else ""
            lines.append(f"{what} under way: {self.swap.done:,} of {self.swap.total:,} events taken in{left}")
        lines += self.rehearsals
        if self.canary:
            lines.append(self.canary)
        if self.pending:
            lines.append(f"Promotions waiting for a person: {self.pending} (`alma-mcp promotions`)")
        if self.quarantined:
            lines.append(f"Events that the design could not take in: {self.quarantined}")
        return "\n".join([*lines, *(f"Warning: {warning}" for warning in self.warnings)])


def duration(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
