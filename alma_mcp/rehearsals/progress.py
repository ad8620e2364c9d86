"""How far the rehearsal of a challenger is, as a person reads it."""

import builtins
from dataclasses import asdict, dataclass
from typing import Any, Literal

from alma_mcp.errors import ContractBroken, DeadlineExceeded, DesignError, WorkerDied

Stage = Literal["waiting", "building", "asking", "checking"]

MINUTE = 60.0
WHEN: dict[Stage, str] = {
    "waiting": "read",
    "building": "started on the memories here",
    "asking": "asked what was asked here before",
    "checking": "asked for the newest memories here",
}


@dataclass(slots=True)
class RehearsalProgress:
    """The rehearsal of one request: `done` of `total` events are taken in while it is building, questions answered
    while it is asking; `events` stay known then. `began` is when the stage did.

    `problem` is a sentence on why it cannot go on.
    """

    request: int
    design: str
    name: str
    stage: Stage = "waiting"
    done: int = 0
    total: int = 0
    events: tuple[int, int] = (0, 0)
    seconds_left: float | None = None
    problem: str = ""
    began: float = 0.0
    first: int | None = None

    def begin(self, stage: Stage, now: float) -> None:
        self.stage, self.began, self.first = stage, now, None
        self.done = self.total = 0
        self.seconds_left = None

    def move(self, done: int, total: int, now: float) -> None:
        """So much is done; what is left takes as long for each as what was done since the stage began."""
        if self.first is None:
            self.first, self.began = done, now
        self.done, self.total = done, total
        if self.stage == "building":
            self.events = done, total
        fresh = done - self.first
        self.seconds_left = (now - self.began) / fresh * (total - done) if fresh > 0 else None

    def to_json(self) -> dict[str, Any]:
        """For a client: stage, done, total, seconds_left (None while it is not known), problem."""
        fields = asdict(self)
        return {name: fields[name] for name in ("stage", "done", "total", "seconds_left", "problem")}

    def __str__(self) -> str:
        named = f"{self.name} ({self.design[:12]})"
        if self.problem:
            return f"The rehearsal of {named} waits: {self.problem.rstrip('.')}."
        match self.stage:
            case "waiting":
                return f"The rehearsal of {named} waits its turn."
            case "building":
                told = f"{self.done:,} of {self.total:,} events taken in" if self.total else "begins"
            case "asking":
                told = (
                    f"{self.done:,} of {self.total:,} questions asked" if self.total else "nothing was asked here yet"
                )
            case "checking":
                told = "its last checks"
        return f"Rehearsal of {named}: {told}{self._left()}."

    def _left(self) -> str:
        if self.seconds_left is None:
            return ""
        if self.seconds_left < MINUTE:
            return f", about {max(1, round(self.seconds_left))} s left"
        return f", about {round(self.seconds_left / MINUTE)} min left"


def failure_told(error: DesignError, stage: Stage) -> str:
    """Why a design cannot be promoted, without a full stop and in our words alone.

    The ledger keeps this for good, and what a design says when it fails may hold what somebody wants forgotten.
    """
    match error:
        case ContractBroken():
            what = "It does not keep the contract"
        case DeadlineExceeded():
            what = "It took too long"
        case WorkerDied():
            what = "Its process ended again and again"
        case _:
            name = str(error).partition(":")[0]
            known = isinstance(vars(builtins).get(name), type)
            what = f"It failed with {name}" if known else "It failed"
    return f"{what} when it was {WHEN[stage]}"
