"""A design's source made into its class, and its answers made plain. Mounted into every sandbox."""

import linecache
import math
import sys
import types
from typing import Any

from alma_mcp.contract import CONTRACT_VERSION, Memory, MemoryItem, Retrieval


class Broken(Exception):
    """The design does not keep the contract; `str()` says how."""


def load_design(source: str) -> type[Memory]:
    """The one `Memory` subclass that a design file defines. Raises `Broken`."""
    module = types.ModuleType("design")
    sys.modules["design"] = module
    linecache.cache["design.py"] = (len(source), None, source.splitlines(keepends=True), "design.py")
    try:
        exec(compile(source, "design.py", "exec"), module.__dict__)  # noqa: S102 - a worker is there to run designs
    except Exception as error:
        raise Broken(f"The design cannot be loaded: {type(error).__name__}: {error}.") from error
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Memory) and each.__module__ == "design"
    ]
    leaves = [each for each in found if not any(each in other.__mro__[1:] for other in found)]
    if len(leaves) != 1:
        raise Broken(f"A design defines exactly one subclass of Memory; this one defines {len(leaves)}.")
    if leaves[0].contract != CONTRACT_VERSION:
        raise Broken(f"The design wants contract {leaves[0].contract}; this is contract {CONTRACT_VERSION}.")
    return leaves[0]


def checked(retrieval: Any) -> Retrieval:
    """The same retrieval in plain Python values. Raises `Broken`."""
    if not isinstance(retrieval, Retrieval):
        raise Broken(f"retrieve() gave a {type(retrieval).__name__}, not a Retrieval.")
    if not isinstance(retrieval.items, list | tuple):
        raise Broken(f"retrieve() gave items in a {type(retrieval.items).__name__}, not in a tuple.")
    return Retrieval(tuple(_checked_item(item) for item in retrieval.items), str(retrieval.note))


def _checked_item(item: Any) -> MemoryItem:
    if not isinstance(item, MemoryItem) or not isinstance(item.text, str):
        raise Broken("retrieve() gave an item that is no MemoryItem with a text.")
    try:
        score = float(item.score)
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not math.isfinite(score):
        raise Broken("retrieve() gave an item whose score is no finite number.")
    rests_on = item.experiences
    if not isinstance(rests_on, list | tuple) or not rests_on or not all(e and isinstance(e, str) for e in rests_on):
        raise Broken("retrieve() gave an item that does not name the experiences it rests on in a tuple of ids.")
    return MemoryItem(item.text, score, tuple(rests_on), tuple(str(reason) for reason in item.reasons))
