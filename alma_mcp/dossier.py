"""The dossier: the evidence that a person reads before approving, frozen and known by its hash."""

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from alma_mcp.errors import StoreError


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


class Dossier(_Frozen):
    """What was promised, what was found, and by which command."""

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

    def canonical(self) -> bytes:
        """The bytes that the evidence hash is taken of."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()

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
