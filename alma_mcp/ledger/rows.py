"""The rows of the ledger of champions: a closed union, their bytes, their hashes."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, get_args

from alma_mcp.errors import ChainBroken


@dataclass(frozen=True, slots=True)
class Genesis:
    """The design that a home began with; one of the bundled ones."""

    kind: ClassVar[str] = "genesis"
    design: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An approver's public key, signed by the enrolled key `key`; the first one by itself.

    `replaces` is a key that counts no more from here on. `method` says what unlocks it: a passphrase, or a passkey,
    whose `credential` the browser is asked for.
    """

    kind: ClassVar[str] = "enrolled"
    public_key: str
    name: str = ""
    channel: str = ""
    method: str = "passphrase"
    credential: str = ""
    replaces: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Requested:
    """A design that somebody wants promoted, with the hash of its dossier; so many approvers are `needed`."""

    kind: ClassVar[str] = "requested"
    design: str
    name: str
    evidence: str
    requested_by: str = ""
    channel: str = ""
    needed: int = 1


@dataclass(frozen=True, slots=True)
class Building:
    """The engine has begun to rehearse a request: to build the design's memory beside the champion's."""

    kind: ClassVar[str] = "building"
    request: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The design has taken in this home's memories and keeps the contract; `report` is the hash of its rehearsal."""

    kind: ClassVar[str] = "ready"
    request: int
    report: str


@dataclass(frozen=True, slots=True)
class Approved:
    """A person's word: this design, on this evidence and this rehearsal. Signed by the enrolled key `key`."""

    kind: ClassVar[str] = "approved"
    design: str
    evidence: str
    request: int
    approved_by: str
    channel: str
    report: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A person's word against a request. Signed by the enrolled key `key`."""

    kind: ClassVar[str] = "rejected"
    request: int
    rejected_by: str
    channel: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """The approved design has taken over: it answers from here on."""

    kind: ClassVar[str] = "live"
    design: str
    request: int


@dataclass(frozen=True, slots=True)
class RolledBack:
    """Back to the design that was champion before: on somebody's word, or the canary's, and why."""

    kind: ClassVar[str] = "rolled_back"
    design: str
    rolled_back_by: str = ""
    channel: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Expired:
    """A request that nobody decided in time, or that cannot be decided any more, and why."""

    kind: ClassVar[str] = "expired"
    request: int
    reason: str


Content = Genesis | Enrolled | Requested | Building | Ready | Approved | Rejected | Live | RolledBack | Expired
HASH = re.compile("[0-9a-f]{64}")
HASHES = frozenset({"design", "evidence"})
KINDS: Mapping[str, type[Any]] = {each.kind: each for each in get_args(Content)}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its content, its place in the chain, and a signature where its kind asks for one."""

    sequence: int
    at: float
    previous: str
    content: Content
    signature: str = ""

    def body(self) -> bytes:
        """The canonical bytes that are hashed and signed. What an older row did not have is not among them."""
        body = {"sequence": self.sequence, "at": self.at, "previous": self.previous, "kind": self.content.kind}
        return json.dumps({**body, **_told(self.content)}, sort_keys=True, separators=(",", ":")).encode()

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.body() + self.signature.encode()).hexdigest()


def parse_row(body: str, signature: str) -> Row:
    """The row of its stored text. Raises `ChainBroken` for whatever is not the text of a row."""
    try:
        values = json.loads(body)
        sequence, at, previous = values.pop("sequence"), values.pop("at"), values.pop("previous")
        row = Row(sequence, at, previous, KINDS[values.pop("kind")](**values), signature)
        canonical = row.body() == body.encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ChainBroken("a row is not in the form of a ledger row") from error
    if not canonical:
        raise ChainBroken(f"row {row.sequence} is not in canonical form")
    if not (_has_place(row) and _is_typed(row.content)):
        raise ChainBroken("a row has values that no ledger row has")
    return row


def _has_place(row: Row) -> bool:
    numbered = type(row.sequence) is int and type(row.at) is float and math.isfinite(row.at)
    return numbered and isinstance(row.previous, str) and isinstance(row.signature, str) and row.signature.isascii()


def _told(content: Content) -> dict[str, Any]:
    values = {each.name: (getattr(content, each.name), each.default) for each in fields(content)}
    return {name: value for name, (value, default) in values.items() if value != default}


def _is_typed(content: Content) -> bool:
    values = {each.name: getattr(content, each.name) for each in fields(content)}
    if any(type(values[each.name]) is not each.type for each in fields(content)):
        return False
    if values.get("report") and not HASH.fullmatch(values["report"]):
        return False
    return all(HASH.fullmatch(values[name]) for name in HASHES & values.keys())
