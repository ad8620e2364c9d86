"""What the rows of the ledger amount to: who may approve, what was asked, and which designs became champion.

A row is verified against everything before it. Nothing here reads a clock, a file or a setting: the same rows always
amount to the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from alma_mcp.errors import ChainBroken, NotApprovable
from alma_mcp.ledger.rows import (
    Approved,
    Building,
    Content,
    Enrolled,
    Expired,
    Genesis,
    Live,
    Ready,
    Rejected,
    Requested,
    RolledBack,
    Row,
)
from alma_mcp.ledger.signatures import signature_holds

PromotionState = Literal[
    "requested", "building", "ready", "approved", "live", "replaced", "rolled_back", "rejected", "expired"
]
OPEN: frozenset[PromotionState] = frozenset({"requested", "building", "ready"})


@dataclass(frozen=True, slots=True)
class Approval:
    """One approver's word, by the key it was signed with, and whose that is."""

    by: str
    key: str
    channel: str
    at: float
    owner: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """A request and what became of it. `report` is the hash of its rehearsal, once there is one; times are seconds.

    `reason` says why it ended, where somebody said so.
    """

    request: int
    design: str
    name: str
    evidence: str
    state: PromotionState
    requested_at: float
    changed_at: float
    requested_by: str = ""
    needed: int = 1
    report: str = ""
    approvals: tuple[Approval, ...] = ()
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether a person may still decide."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class EnrolledKey:
    """A key that may approve, and since when (seconds), on the word of whom. `first`: on nobody's."""

    public_key: str
    name: str
    method: str
    credential: str
    channel: str
    at: float
    first: bool
    replaces: str = ""
    by: str = ""

    @property
    def owner(self) -> str:
        """Whose it is: two keys of one name are one approver. A key of an older ledger has no name, and is its own."""
        return self.name or self.public_key


@dataclass(frozen=True, slots=True)
class Champion:
    """A design that became champion; `request` is 0 for the one that a home began with."""

    design: str
    request: int = 0


@dataclass(slots=True)
class LedgerState:
    """What the rows so far amount to."""

    sequence: int = 0
    head: str = ""
    keys: dict[str, EnrolledKey] = field(default_factory=dict)
    champions: list[Champion] = field(default_factory=list)
    promotions: dict[int, Promotion] = field(default_factory=dict)

    def copy(self) -> "LedgerState":
        return LedgerState(self.sequence, self.head, dict(self.keys), list(self.champions), dict(self.promotions))

    def take(self, row: Row) -> None:
        """Verify a row against everything before it, and let it count. Raises `ChainBroken` or `NotApprovable`."""
        if row.sequence != self.sequence + 1 or row.previous != self.head:
            raise ChainBroken(f"row {row.sequence} does not follow the one before it")
        self._take(row, row.content)
        self.sequence, self.head = row.sequence, row.hash

    def previous(self) -> Champion:
        """The champion before this one. Raises `NotApprovable` when there is none."""
        if len(self.champions) < 2:
            raise NotApprovable("There is no earlier champion to go back to.")
        return self.champions[-2]

    def _take(self, row: Row, content: Content) -> None:
        match content:
            case Genesis(design):
                if self.sequence:
                    raise ChainBroken("a ledger begins once")
                self.champions = [Champion(design)]
            case Enrolled():
                self._enrol(row, content)
            case Requested():
                self._request(row, content)
            case Approved():
                self._approve(row, content)
            case Rejected():
                self._check_word(row, content.key, content.rejected_by)
                self._move(row, content.request, OPEN, "rejected")
            case _:
                self._follow(row, content)

    def _follow(self, row: Row, content: Building | Ready | Live | RolledBack | Expired) -> None:
        """What needs no signature: it promotes nothing."""
        match content:
            case Building(request):
                self._move(row, request, OPEN - {"ready"}, "building")
            case Ready(request, report):
                self._move(row, request, ("building",), "ready", report=report)
            case Live(design, request):
                self._go_live(row, design, request)
            case RolledBack():
                self._roll_back(row, content)
            case Expired(request, reason):
                self._move(row, request, OPEN, "expired", reason=reason)

    def _enrol(self, row: Row, new: Enrolled) -> None:
        by = ""
        if new.public_key in self.keys:
            raise NotApprovable("That key is enrolled already.")
        if self.keys:
            if not new.key:
                raise NotApprovable("An approver's key is enrolled already; it must sign for another one.")
            self._check_signature(row, new.key)
            signer = self.keys[new.key]
            self._check_owner(new, signer)
            self._replace(new)
            by = signer.name
        elif new.key or new.replaces or not signature_holds(new.public_key, row.signature, row.body()):
            raise ChainBroken(f"row {row.sequence} is not signed by the key that it enrols")
        self.keys[new.public_key] = EnrolledKey(
            new.public_key, new.name, new.method, new.credential, new.channel, row.at, not new.key, new.replaces, by
        )

    def _check_owner(self, new: Enrolled, signer: EnrolledKey) -> None:
        """An approver vouches for others, but gives up and adds to nobody's keys but their own."""
        if not new.name:
            raise NotApprovable("A key is enrolled under its approver's name.")
        if new.replaces:
            replaced = self.keys.get(new.replaces)
            if replaced is None:
                raise NotApprovable("The key that would be replaced is not enrolled.")
            if replaced.owner != signer.owner or (replaced.name and new.name != replaced.name):
                raise NotApprovable("A key is replaced by its own approver, under the same name.")
        others = [each for each in self.keys.values() if each.owner != signer.owner]
        if new.name in [each.name for each in others]:
            raise NotApprovable(f"A further key of {new.name} is signed by {new.name}.")

    def _replace(self, new: Enrolled) -> None:
        """The replaced key counts no more; what it approved and still waits is its owner's word, under the new name."""
        gone = self.keys.pop(new.replaces, None)
        if gone is None or gone.name:
            return
        for number, asked in list(self.promotions.items()):
            approvals = tuple(
                replace(each, owner=new.name) if each.owner == gone.owner else each for each in asked.approvals
            )
            self.promotions[number] = replace(asked, approvals=approvals)

    def _request(self, row: Row, asked: Requested) -> None:
        if asked.needed < 1:
            raise ChainBroken(f"row {row.sequence} asks for no approval at all")
        for earlier in list(self.promotions.values()):
            if earlier.is_open and earlier.design == asked.design:
                self._move(row, earlier.request, OPEN, "expired", reason=f"requested again as {row.sequence}")
        self.promotions[row.sequence] = Promotion(
            row.sequence, asked.design, asked.name, asked.evidence, "requested", row.at, row.at,
            asked.requested_by, asked.needed,
        )  # fmt: skip

    def _approve(self, row: Row, word: Approved) -> None:
        enrolled = self._check_word(row, word.key, word.approved_by)
        asked = self._promotion(word.request, OPEN)
        if (asked.design, asked.evidence, asked.report) != (word.design, word.evidence, word.report):
            raise NotApprovable("The approval names another design or other evidence than the request.")
        if enrolled.owner in [each.owner for each in asked.approvals]:
            raise NotApprovable("You have approved it already; it needs another approver as well.")
        approvals = (*asked.approvals, _approval(word, enrolled, row.at))
        self.promotions[word.request] = replace(asked, approvals=approvals, changed_at=row.at)
        if len(approvals) >= asked.needed:
            self._move(row, word.request, OPEN, "approved")
            self.champions.append(Champion(word.design, word.request))

    def _go_live(self, row: Row, design: str, request: int) -> None:
        if self.champions[-1] != Champion(design, request):
            raise ChainBroken(f"row {row.sequence} makes a design live that was not approved last")
        self._move(row, request, ("approved",), "live")
        for before in [each.request for each in self.champions[:-1]]:
            if before in self.promotions and self.promotions[before].state == "live":
                self._move(row, before, ("live",), "replaced")

    def _roll_back(self, row: Row, back: RolledBack) -> None:
        before = self.previous()
        if before.design != back.design:
            raise NotApprovable("There is no earlier champion to go back to.")
        gone = self.champions.pop()
        self._move(row, gone.request, ("approved", "live", "replaced"), "rolled_back", reason=back.reason)
        if before.request in self.promotions and self.promotions[before.request].state == "replaced":
            self._move(row, before.request, ("replaced",), "live")

    def _move(
        self,
        row: Row,
        request: int,
        come_from: Sequence[PromotionState] | frozenset[PromotionState],
        state: PromotionState,
        *,
        report: str = "",
        reason: str = "",
    ) -> None:
        asked = self._promotion(request, come_from)
        self.promotions[request] = replace(
            asked, state=state, changed_at=row.at, report=report or asked.report, reason=reason or asked.reason
        )

    def _promotion(self, request: int, states: Sequence[PromotionState] | frozenset[PromotionState]) -> Promotion:
        asked = self.promotions.get(request)
        if asked is None:
            raise NotApprovable(f"There is no promotion request {request}.")
        if asked.state not in states:
            said = asked.state.replace("_", " ")
            raise NotApprovable(f"There is no open promotion request {request}: it is {said} by now.")
        return asked

    def _check_word(self, row: Row, key: str, by: str) -> EnrolledKey:
        """The enrolled key that signed a decision, which is told under its approver's name. Raises `ChainBroken`."""
        enrolled = self.keys[self._check_signature(row, key)]
        if enrolled.name and enrolled.name != by:
            raise ChainBroken(f"row {row.sequence} is told in another name than that of the key that signed it")
        return enrolled

    def _check_signature(self, row: Row, key: str) -> str:
        """The enrolled key that signed the row; where the row names none, that is the first. Raises `ChainBroken`."""
        signer = key or next(iter(self.keys), "")
        if signer not in self.keys or not signature_holds(signer, row.signature, row.body()):
            raise ChainBroken(f"row {row.sequence} is not signed by an enrolled approver")
        return signer


def _approval(word: Approved, key: EnrolledKey, at: float) -> Approval:
    return Approval(word.approved_by, key.public_key, word.channel, at, key.owner)
