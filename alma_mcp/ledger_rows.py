"""The rows of the ledger of champions: a closed union, their bytes, their hashes."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from alma_mcp.errors import ChainBroken


@dataclass(frozen=True, slots=True)
class Genesis:
    """The design that a home began with; one of the bundled ones."""

    kind: ClassVar[str] = "genesis"
    design: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The approver's public key, signed by itself."""

    kind: ClassVar[str] = "enrolled"
    public_key: str


@dataclass(frozen=True, slots=True)
class Requested:
    """A design that somebody wants promoted, with the hash of its dossier."""

    kind: ClassVar[str] = "requested"
    design: str
    name: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Approved:
    """A person's word: this design, on this evidence. Signed."""

    kind: ClassVar[str] = "approved"
    design: str
    evidence: str
    request: int
    approved_by: str
    channel: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A person's word against a request. Signed."""

    kind: ClassVar[str] = "rejected"
    request: int
    rejected_by: str
    channel: str


@dataclass(frozen=True, slots=True)
class RolledBack:
    """Back to the design that was champion before."""

    kind: ClassVar[str] = "rolled_back"
    design: str


Content = Genesis | Enrolled | Requested | Approved | Rejected | RolledBack
HASH = re.compile("[0-9a-f]{64}")
KINDS: Mapping[str, type[Any]] = {
    each.kind: each for each in (Genesis, Enrolled, Requested, Approved, Rejected, RolledBack)
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its content, its place in the chain, and a signature where its kind asks for one."""

    sequence: int
    at: float
    previous: str
    content: Content
    signature: str = ""

    def body(self) -> bytes:
        """The canonical bytes that are hashed and signed."""
        body = {"sequence": self.sequence, "at": self.at, "previous": self.previous, "kind": self.content.kind}
        return json.dumps({**body, **asdict(self.content)}, sort_keys=True, separators=(",", ":")).encode()

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


def _is_typed(content: Content) -> bool:
    values = {each.name: getattr(content, each.name) for each in fields(content)}
    if any(type(values[each.name]) is not each.type for each in fields(content)):
        return False
    return all(HASH.fullmatch(values[name]) for name in ("design", "evidence") if name in values)
