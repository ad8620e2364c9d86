"""What was measured of one server: a line of the table."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

Start = Literal["cold", "warm"]


@dataclass(slots=True)
class AtSize:
    """Searches and stores with so many notes stored; milliseconds. `asked`: notes in the store when it was asked."""

    asked: int = 0
    searches: list[float] = field(default_factory=list)
    stores: list[float] = field(default_factory=list)
    hits: int = 0
    refused: int = 0
    filling: float = 0.0

    @property
    def hit_rate(self) -> float:
        return self.hits / len(self.searches)


@dataclass(slots=True)
class Writers:
    """Two sessions that wrote at once: of the writes, how many were acknowledged, and of those lost and found again."""

    writes: int
    acknowledged: int
    errors: int
    lost: int
    found: int


@dataclass(slots=True)
class Line:
    """Figures of one server. Times in milliseconds, memory in megabytes by number of sessions.

    `to_tools` and `to_search` are from spawning the server to its answered `tools/list`, and to its first answered
    search; `cold` where no process of the server was running, `warm` where one was. `failures`: why a part is missing.
    """

    peer: str
    version: str
    ran_with: str
    semantic: bool
    tools: int = 0
    tokens: int = 0
    first_store: float | None = None
    to_tools: dict[Start, list[float]] = field(default_factory=dict)
    to_search: dict[Start, list[float]] = field(default_factory=dict)
    sizes: dict[int, AtSize] = field(default_factory=dict)
    resident: dict[int, float] = field(default_factory=dict)
    proportional: dict[int, float] = field(default_factory=dict)
    writers: Writers | None = None
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        sizes = {int(size): AtSize(**figures) for size, figures in told.pop("sizes").items()}
        by_sessions = {
            name: {int(count): each for count, each in told.pop(name).items()} for name in ("resident", "proportional")
        }
        writers = told.pop("writers")
        return cls(sizes=sizes, writers=Writers(**writers) if writers else None, **by_sessions, **told)
