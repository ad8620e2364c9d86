"""A promotion request as the engine tells it, checked where it comes in: all that a page of it is made from."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from alma_mcp.design_store import SHORT, Design
from alma_mcp.errors import ChainBroken
from alma_mcp.evidence.dossier import Dossier
from alma_mcp.evidence.rehearsal import Rehearsal
from alma_mcp.visible_text import one_line


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ChampionNow(_Told):
    """The design that answers now."""

    id: str
    name: str
    source: str


class ApprovalSoFar(_Told):
    """Somebody's word for it; `at` is seconds since the epoch, UTC."""

    by: str
    channel: str
    at: float


class Texts(_Told):
    """The texts of a shadow report, looked up when it is shown: questions by their number, memories by their id.

    What is not here was forgotten, or is no longer kept.
    """

    questions: dict[int, str] = {}
    memories: dict[str, str] = {}


class Asked(_Told):
    """A request with everything behind it. Times are seconds since the epoch, UTC.

    `unmet` says, a sentence each, why this home's settings do not let it be approved; `doubts` what is odd about it.
    """

    request: int
    design: str
    name: str
    evidence: str
    source: str
    dossier: Dossier
    champion: ChampionNow
    report: str = ""
    rehearsal: Rehearsal | None = None
    texts: Texts = Texts()
    state: str = "requested"
    needed: int = 1
    approvals: tuple[ApprovalSoFar, ...] = ()
    unmet: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    requested_by: str = ""
    requested_at: float = 0.0
    reason: str = ""

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Self:
        """Read what the engine gave. Raises `ChainBroken` for what is no request."""
        try:
            return cls.model_validate(request)
        except ValidationError as error:
            field = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise ChainBroken(
                f"The engine showed a request that cannot be read ({field}); update alma-mcp, then `alma-mcp stop`."
            ) from error

    @property
    def short(self) -> str:
        return self.design[:SHORT]

    @property
    def title(self) -> str:
        """The design's name, on one line with nothing hidden in it."""
        return one_line(self.name) or self.short

    @property
    def champion_title(self) -> str:
        return one_line(self.champion.name) or self.champion.id[:SHORT]


def check_shown(request: Mapping[str, Any]) -> None:
    """What is read is what is signed. Raises `ChainBroken` when code, dossier or rehearsal are not the request's."""
    asked = Asked.of(request)
    holds = Design(asked.source).id == asked.design and asked.dossier.evidence == asked.evidence
    rehearsed = asked.rehearsal.report if asked.rehearsal else ""
    if not holds or rehearsed != asked.report:
        raise ChainBroken("The engine showed other code or evidence than was requested; nothing was decided.")
