"""The elements of a large JSON array one by one, so that only one of them is in memory at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHUNK = 2**20
SEPARATORS = " \t\r\n,"


def elements(path: Path) -> Iterator[Any]:
    """The elements of the array that a UTF-8 file holds, in their order.

    Holds one element's text and at most as much again. Raises `OSError`, and `ValueError` where the file
    is no JSON array or ends too soon.
    """
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8") as file:
        rest = file.read(CHUNK).lstrip()
        if not rest.startswith("["):
            raise ValueError("it is no JSON array")
        rest = rest[1:]
        while True:
            rest = rest.lstrip(SEPARATORS)
            if rest.startswith("]"):
                return
            try:
                element, end = decoder.raw_decode(rest)
            except json.JSONDecodeError as error:
                more = file.read(max(CHUNK, len(rest)))
                if not more:
                    raise ValueError(f"it ends too soon, or is damaged: {error.msg}") from error
                rest += more
                continue
            yield element
            rest = rest[end:]
