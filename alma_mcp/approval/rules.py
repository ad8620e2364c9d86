"""What the engine asks of a decision beyond its signature: readiness, the same bytes, the rules of `serve.toml`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.approval.account import APPROVER_NAME
from alma_mcp.approval.minimum_evidence import unmet
from alma_mcp.config import ApprovalSettings
from alma_mcp.design_store import DesignStore
from alma_mcp.errors import BadRequest, NotApprovable, StoreError
from alma_mcp.evidence.dossier import load_dossier
from alma_mcp.evidence.rehearsal import load_rehearsal
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.passkey import PASSKEY
from alma_mcp.ledger.rows import Approved, Enrolled, Rejected
from alma_mcp.ledger.standing import Standing, standing
from alma_mcp.ledger.state import EnrolledKey, Promotion

Progress = tuple[int, int]
"""How far a rehearsal is: so many events taken in, of so many."""


def no_progress(_request: int) -> Progress | None:
    """Where nothing is being rehearsed."""
    return None


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """The rules of one home. `rehearsing` gives how far the rehearsal of a request is, None where there is none."""

    ledger: ChampionLedger
    store: DesignStore
    dossiers: Path
    settings: ApprovalSettings
    rehearsing: Callable[[int], Progress | None] = no_progress

    def check(self, decision: Approved | Rejected | Enrolled) -> None:
        """Raises `NotApprovable`, or `BadRequest` for a name that is none, with a sentence on what is against it."""
        match decision:
            case Enrolled():
                self._check_enrolment(decision)
            case Rejected():
                self._check_approver(decision.key)
            case Approved():
                self._check_approver(decision.key)
                asked = self.ledger.promotions().get(decision.request)
                if asked is not None and asked.is_open:
                    self._check_request(asked)

    def standing(self) -> Standing:
        """The design that may serve."""
        return standing(self.ledger, self.store, self.dossiers)

    def doubts(self, asked: Promotion) -> list[str]:
        """What is odd about a request, a sentence each."""
        earlier = [each for number, each in self.ledger.promotions().items() if number < asked.request]
        if earlier and asked.needed < earlier[-1].needed:
            return [f"It needs {_approvers(asked.needed)}; the request before it needed {earlier[-1].needed}."]
        return []

    def _check_request(self, asked: Promotion) -> None:
        if asked.state != "ready":
            raise NotApprovable(f"{asked.name} is still being rehearsed{self._how_far(asked.request)}; wait for it.")
        if asked.needed < self.settings.needed:
            raise NotApprovable(
                f"The request asks for {_approvers(asked.needed)} and serve.toml for {self.settings.needed} by now;"
                " request the promotion again."
            )
        try:
            self.store.get(asked.design)
            dossier = load_dossier(self.dossiers, asked.evidence)
            load_rehearsal(self.dossiers, asked.report)
        except StoreError as problem:
            raise NotApprovable(f"No approval of {asked.name} can hold. {problem}") from problem
        if missing := unmet(self.settings.minimum_evidence, dossier):
            raise NotApprovable(" ".join(missing))

    def _how_far(self, request: int) -> str:
        progress = self.rehearsing(request)
        return f", {progress[0]:,} of {progress[1]:,} events taken in" if progress else ""

    def _check_enrolment(self, new: Enrolled) -> None:
        if not APPROVER_NAME.fullmatch(new.name):
            raise BadRequest(
                "An approver's name is up to 64 letters and digits of ASCII, with . _ @ + - inside; choose such a one."
            )
        if (new.method, new.public_key.startswith(PASSKEY)) not in {("passphrase", False), ("passkey", True)}:
            raise BadRequest("A key is unlocked by a passphrase or is a passkey; this one says it is something else.")
        self._check_named(new.name)

    def _check_approver(self, key: str) -> None:
        signer = _signer(key, self.ledger.enrolled_keys())
        if signer and self.settings.approvers and not signer.name:
            raise NotApprovable("Your key has no name yet; `alma-mcp approvers replace` gives it one.")
        if signer:
            self._check_named(signer.name)

    def _check_named(self, name: str) -> None:
        named = self.settings.approvers
        if named and name not in named:
            raise NotApprovable(f"{name} is not among the approvers that serve.toml names: {', '.join(named)}.")


def _signer(key: str, keys: Sequence[EnrolledKey]) -> EnrolledKey | None:
    """The enrolled key of a decision; where it names none, that is the first."""
    return next((each for each in keys if not key or each.public_key == key), None)


def _approvers(number: int) -> str:
    return "1 approver" if number == 1 else f"{number} approvers"
