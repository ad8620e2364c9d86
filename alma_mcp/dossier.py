"""The dossier: the evidence that a person reads before approving, frozen and known by its hash."""

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from alma_mcp.errors import StoreError
from alma_mcp.static_audit import Audit


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Frozen):
    """A mean with the 95 % interval around it."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Side(_Frozen):
    """One of the two designs of a comparison."""

    design: str
    name: str
    idea: str
    score: Interval
    tokens: float
    latency_ms: float
    failures: int


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


class Dossier(_Frozen):
    """What was promised, what was found, and by which command.

    `planned` is how many tasks were to be played, `tasks` how many were compared; a plan of 0 is not known.
    `missing` counts the plays that are left out, in pairs, since the machine lost at least one of the two.
    `detectable` is the difference that this opening would have found in four of five cases. `audit` is what the
    challenger's code shows.
    """

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

    def canonical(self) -> bytes:
        """The bytes that the evidence hash is taken of. What an older dossier did not have is not among them."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @property
    def evidence(self) -> str:
        """The SHA-256 of the dossier."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def save(self, folder: Path) -> None:
        """Keep the dossier in a folder, under its hash."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = folder / f"{self.evidence}.partial"
        partial.write_bytes(self.canonical())
        partial.replace(folder / f"{self.evidence}.json")


def load_dossier(folder: Path, evidence: str) -> Dossier:
    """The dossier with this hash. Raises `StoreError` when it is missing or was changed."""
    path = folder / f"{evidence}.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"The dossier {evidence[:12]} is missing; request the promotion again.") from error
    if hashlib.sha256(data).hexdigest() != evidence:
        raise StoreError(f"The dossier {evidence[:12]} was changed after it was filed; request the promotion again.")
    try:
        return Dossier.model_validate_json(data)
    except ValidationError as error:
        raise StoreError(f"The dossier {evidence[:12]} is of another version; request the promotion again.") from error
