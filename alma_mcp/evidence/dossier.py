"""The dossier: the evidence that a person reads before approving, frozen and known by its hash."""

from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from alma_mcp.evidence.file import EvidenceFile
from alma_mcp.evidence.static_audit import Audit


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Frozen):
    """A mean with the 95 % interval around it."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


class SideCost(_Frozen):
    """What one design took for one task, on average: what it asked of a model itself, and what the agent read and
    wrote that played with it. `dollars` are those of the design's own calls, None where the price is not known.
    """

    calls: float = 0.0
    tokens: float = 0.0
    dollars: float | None = None
    agent_tokens: float = 0.0


class Side(_Frozen):
    """One of the two designs of a comparison.

    `tokens` is what it returned a task, `latency_ms` the time that 95 of 100 answers came within. `memory_bytes` is
    the most that a worker of it held in main memory once it was filled, `state_bytes` the most that one kept on disk;
    both are None where they were not measured.
    """

    design: str
    name: str
    idea: str
    score: Interval
    tokens: float
    latency_ms: float
    failures: int
    memory_bytes: int | None = None
    state_bytes: int | None = None
    cost: SideCost | None = None


class Finalist(_Frozen):
    """One of the designs that the challenger was chosen from, and its score on the validation split."""

    design: str
    name: str
    score: float


class Cost(_Frozen):
    """What an opening of the gate took, both designs and the controls together, however often it was interrupted.

    `plays` are tasks, `episodes` those of them that an agent played, for so many `agent_tokens`. `design_calls` is
    what the designs had answered by a model, for `design_tokens`.
    """

    plays: int = 0
    episodes: int = 0
    agent_tokens: int = 0
    design_calls: int = 0
    design_tokens: int = 0


class TaskResult(_Frozen):
    """What both designs scored on one task of the gate, the mean of its `plays`. `kind` may be empty."""

    task: str
    kind: str = ""
    challenger: float
    champion: float
    plays: int = 1

    @property
    def difference(self) -> float:
        return self.challenger - self.champion

    @property
    def outcome(self) -> Literal["win", "tie", "loss"]:
        """As the challenger sees it."""
        if self.challenger == self.champion:
            return "tie"
        return "win" if self.challenger > self.champion else "loss"


class DomainResult(_Frozen):
    """What both designs scored on the tasks of one kind, or on all of a split where `kind` is empty.

    `split` is `gate` for the tasks of this opening; other rows are what was paid for before. `seen` says that the
    search could learn from these tasks: their scores chose the design, so they prove less. Controls are means of the
    challenger's and of the champion's plays, empty where none were played.
    """

    benchmark: str
    kind: str = ""
    split: str = "gate"
    seen: bool = False
    tasks: int
    challenger: float
    champion: float
    difference: Interval
    controls: dict[str, float] = {}
    champion_controls: dict[str, float] = {}


class Ancestor(_Frozen):
    """A design that the challenger was made from, so many generations `back`; `score` is that on the search split."""

    design: str
    name: str
    back: int = 1
    score: float | None = None


class Dossier(EvidenceFile):
    """What was promised, what was found, and by which command.

    `planned` is how many tasks were to be played, `tasks` how many were compared; a plan of 0 is not known.
    `missing` counts the plays that are left out, in pairs, since the machine lost at least one of the two.
    `detectable` is the difference that this opening would have found in four of five cases. `audit` is what the
    challenger's code shows.

    `results` has a row for each task, in the order of their ids, `domains` one for each kind of task, and one for each
    other split that both designs had played; `ancestry` names all that the challenger came from, the nearest first.
    `opening_id` is the opening in the archive, where its plays are found; it is 0 where it is not known. `agent` is who
    played, as a search's settings name it; empty where nobody did, or it is not known.
    """

    called: ClassVar[str] = "dossier"

    benchmark: str
    split: str
    tasks: int
    challenger: Side
    champion: Side
    difference: Interval
    p_value: float
    alpha: float
    minimum_effect: float
    opening: int
    wins: int
    ties: int
    losses: int
    controls: dict[str, float]
    objections: tuple[str, ...]
    verdict: Literal["passed", "failed"]
    hypothesis: str
    lineage: tuple[str, ...]
    imports: tuple[str, ...]
    needs_complete: bool
    seconds: float
    command: str
    planned: int = 0
    missing: int = 0
    detectable: float | None = None
    finalists: tuple[Finalist, ...] = ()
    cost: Cost | None = None
    audit: Audit | None = None
    opening_id: int = 0
    results: tuple[TaskResult, ...] = ()
    domains: tuple[DomainResult, ...] = ()
    ancestry: tuple[Ancestor, ...] = ()
    agent: str = ""

    def plays(self, task: str) -> str:
        """The page of the dashboard that shows how both played a task, as a path; empty where it is not known."""
        return f"/evolution/plays/{self.opening_id}/{quote(task, safe='/')}" if self.opening_id else ""

    @property
    def evidence(self) -> str:
        """The SHA-256 of the dossier."""
        return self.digest


def load_dossier(folder: Path, evidence: str) -> Dossier:
    """The dossier with this hash. Raises `StoreError` when it is missing or was changed."""
    return Dossier.load(folder, evidence)
