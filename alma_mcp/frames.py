"""Frames on the pipe between a host and a worker: one JSON object a line, at most 16 MB.

Mounted into every sandbox, so: standard library only. Texts on the pipe hold no lone
surrogates (they become `?`), numbers are finite.
"""

import json
from typing import Any

MAX_FRAME = 16 * 1024 * 1024


class FrameGarbled(ValueError):
    """These bytes are not a frame; `str()` says why."""


def encode(frame: dict[str, Any]) -> bytes:
    """A frame as a line. Raises `FrameGarbled` if it has NaN, is no JSON, or is too long."""
    try:
        line = json.dumps(frame, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameGarbled(f"it cannot be written as JSON: {error}") from error
    if len(line) > MAX_FRAME:
        raise FrameGarbled(f"it has {len(line):,} bytes, and a frame has at most {MAX_FRAME:,}")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """The frame of a line. Raises `FrameGarbled`."""
    try:
        frame = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FrameGarbled(f"it is not JSON: {error}") from error
    if not isinstance(frame, dict):
        raise FrameGarbled("it is not a JSON object")
    if b"\\ud" in line or b"\\uD" in line:
        scrubbed: dict[str, Any] = _scrub(frame)
        return scrubbed
    return frame


def clean(text: str) -> str:
    """A text that can be written as UTF-8: lone surrogates become `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _scrub(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_scrub(each) for each in value]
        case dict():
            return {clean(key): _scrub(each) for key, each in value.items()}
        case _:
            return value
