"""Who looks on at a search: told what every candidate is at, what became of it, and what was spent."""

from dataclasses import dataclass
from typing import Literal, Protocol

from evolve.evaluation import Verdict

Stage = Literal["waiting", "proposing", "verifying", "smoke", "proxy", "search set"]
STAGES: tuple[Stage, ...] = ("waiting", "proposing", "verifying", "smoke", "proxy", "search set")


@dataclass(frozen=True, slots=True)
class Outlook:
    """How long a search is: `steps` in all, `done` of them before it was started this time. `seed` names are planted
    first and are no steps.
    """

    benchmark: str
    proposer: str
    rounds: int
    steps: int
    done: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run has spent so far, and its ceilings; a ceiling of None is none.

    `dollars` are those that are known; `unpriced` says that there are others.
    """

    calls: int = 0
    tokens: int = 0
    dollars: float = 0.0
    unpriced: bool = False
    episodes: int = 0
    seconds: float = 0.0
    most_calls: int | None = None
    most_tokens: int | None = None
    most_dollars: float | None = None
    most_episodes: int | None = None
    most_seconds: float | None = None


class Watcher(Protocol):
    """All of it is told on the search's own event loop; nothing here may block."""

    def begins(self, outlook: Outlook) -> None: ...

    def moves(self, step: str, stage: Stage, done: int = 0, total: int = 0) -> None:
        """A candidate (`ROUND.CANDIDATE`, or `seed NAME`) is at this stage, and has played so many tasks of it."""

    def became(self, step: str, name: str, verdict: Verdict) -> None:
        """A candidate is through. `name` is that of its design, empty where there is none."""

    def spent(self, spending: Spending) -> None: ...
