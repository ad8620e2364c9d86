"""Which task belongs to which split, so that it stays there whatever else is in the data."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from evolve.benchmarks import Split

SHARES = {"search": 0.4, "validation": 0.3, "gate": 0.3}
SALT = "alma-mcp/47"

T = TypeVar("T")


def split_of(name: str) -> Split:
    """The split of a thing by the hash of its name.

    The salt was chosen, before anything was scored, as the first that spreads LoCoMo's ten published
    conversations four, three, three.
    """
    share = int(hashlib.sha256(f"{SALT}/{name}".encode()).hexdigest()[:8], 16) / 2**32
    if share < SHARES["search"]:
        return "search"
    return "validation" if share < SHARES["search"] + SHARES["validation"] else "gate"


def block_of_time(things: Sequence[T], split: Split) -> tuple[int, int]:
    """Where a split begins and ends in a stream: search first, gate last."""
    first, second = (round(len(things) * share) for share in (SHARES["search"], 1 - SHARES["gate"]))
    match split:
        case "search":
            return 0, first
        case "validation":
            return first, second
        case "gate":
            return second, len(things)
        case "all":
            return 0, len(things)
