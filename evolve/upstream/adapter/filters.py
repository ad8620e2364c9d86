"""Chroma's filters: `where` over metadata, `where_document` over texts. What Chroma refuses raises `ValueError`."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches(metadata: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Whether metadata fits a filter such as `{"label": True}`, `{"n": {"$gt": 1}}` or `{"$and": [..., ...]}`."""
    name, wanted = _only(where, "where")
    if name in ("$and", "$or"):
        return (all if name == "$and" else any)([matches(metadata, each) for each in _several(name, wanted)])
    if not isinstance(wanted, Mapping):
        if not isinstance(wanted, str | int | float):
            raise ValueError(f"Expected where value to be a str, int, float, or operator expression, got {wanted!r}")  # noqa: TRY004 - as there
        wanted = {"$eq": wanted}
    return _compares(metadata.get(name), *_only(wanted, "operator expression"))


def holds(document: str, where: Mapping[str, Any]) -> bool:
    """Whether a text fits a filter such as `{"$contains": "key"}`."""
    name, wanted = _only(where, "where document")
    match name:
        case "$and" | "$or":
            return (all if name == "$and" else any)([holds(document, each) for each in _several(name, wanted)])
        case "$contains":
            return wanted in document
        case "$not_contains":
            return wanted not in document
        case "$regex":
            return re.search(wanted, document) is not None
        case "$not_regex":
            return re.search(wanted, document) is None
        case _:
            raise ValueError(f"Expected where document operator to be one Chroma knows, got {name}")


def _compares(value: Any, name: str, wanted: Any) -> bool:
    match name:
        case "$eq":
            return _same(value, wanted)
        case "$ne":
            return not _same(value, wanted)
        case "$in":
            return any(_same(value, each) for each in wanted)
        case "$nin":
            return not any(_same(value, each) for each in wanted)
        case "$contains":
            return isinstance(value, list) and any(_same(each, wanted) for each in value)
        case "$not_contains":
            return not (isinstance(value, list) and any(_same(each, wanted) for each in value))
    if name not in ORDERED:
        raise ValueError(f"Expected where operator to be one Chroma knows, got {name}")
    return _is_number(value) and _is_number(wanted) and ORDERED[name](value, wanted)


def _only(where: Mapping[str, Any], what: str) -> tuple[str, Any]:
    if not isinstance(where, Mapping) or len(where) != 1:
        raise ValueError(f"Expected {what} to have exactly one operator, got {where!r}")
    return next(iter(where.items()))


def _several(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) < 2:
        raise ValueError(f"Expected {name} to be a list with at least two where expressions, got {value!r}")
    return value


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
