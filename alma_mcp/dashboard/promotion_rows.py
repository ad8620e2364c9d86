"""The promotions as a list shows them: what waits, how far it is, and what became of the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.approval.rules import ApprovalRules
from alma_mcp.design_store import SHORT
from alma_mcp.errors import StoreError
from alma_mcp.evidence.dossier import Dossier, load_dossier
from alma_mcp.ledger.state import Promotion
from alma_mcp.review.gate import interval
from alma_mcp.visible_text import one_line

TONES: Mapping[str, str] = {
    "requested": "plain", "building": "live", "ready": "warn", "approved": "live", "live": "good",
    "replaced": "plain", "rolled_back": "bad", "rejected": "bad", "expired": "plain",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """One promotion. `gate` says what the gate found, `progress` how many events of how many the rehearsal took in."""

    request: int
    name: str
    short: str
    state: str
    tone: str
    gate: str
    passed: bool
    at: float
    approvals: str
    reason: str
    progress: tuple[int, int] | None


class PromotionRows:
    """Makes the rows. What a dossier says is read once: it cannot change under its hash."""

    def __init__(self, rules: ApprovalRules) -> None:
        self._rules = rules
        self._found: dict[str, tuple[str, bool]] = {}

    def waiting(self) -> list[PromotionRow]:
        """What a person may decide, the newest first."""
        return [self._row(each) for each in self._newest_first() if each.is_open]

    def decided(self) -> list[PromotionRow]:
        """The others, the newest first."""
        return [self._row(each) for each in self._newest_first() if not each.is_open]

    def _newest_first(self) -> list[Promotion]:
        return sorted(self._rules.ledger.promotions().values(), key=lambda each: -each.request)

    def _row(self, asked: Promotion) -> PromotionRow:
        gate, passed = self._gate(self._rules.dossiers, asked.evidence)
        several = asked.needed > 1 or asked.approvals
        return PromotionRow(
            asked.request,
            one_line(asked.name) or asked.design[:SHORT],
            asked.design[:SHORT],
            asked.state.replace("_", " "),
            TONES[asked.state],
            gate,
            passed,
            asked.changed_at,
            f"{len(asked.approvals)} of {asked.needed} approvals" if several else "",
            one_line(asked.reason),
            self._rules.rehearsing(asked.request) if asked.is_open else None,
        )

    def _gate(self, dossiers: Path, evidence: str) -> tuple[str, bool]:
        if evidence not in self._found:
            try:
                dossier = load_dossier(dossiers, evidence)
            except StoreError as problem:
                return str(problem), False
            self._found[evidence] = _told(dossier), dossier.verdict == "passed"
        return self._found[evidence]


def _told(dossier: Dossier) -> str:
    said = "The gate passed it" if dossier.verdict == "passed" else "The gate failed it"
    return f"{said}: {interval(dossier.difference)} on {dossier.tasks:,} tasks of {one_line(dossier.benchmark)}"
