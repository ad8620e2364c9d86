"""What a text player sees of NetHack's screen: BALROG's headings and words, the map cut to what is known."""

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DIRECTIONS = ("north", "east", "south", "west", "northeast", "southeast", "southwest", "northwest")
MAP_ROWS = slice(1, 22)
STATUS_ROWS = slice(22, 24)
_OFFERED = re.compile(r"\[([^\]]*)\]")
_RANGE = re.compile(r"([a-zA-Z])-([a-zA-Z])")


def observation(describer: Any, seen: Mapping[str, Any], message: str) -> str:
    """All that is seen; `describer` is NLE's, `seen` its observation by name, `message` what the game said."""
    glyphs, stats = seen["glyphs"], seen["blstats"]
    cursor = seen["tty_cursor"].copy()
    cursor[:] = stats[1] + MAP_ROWS.start, stats[0]
    rows = [_decoded(bytes(row)) for row in seen["tty_chars"]]
    left, top, known = cut(rows[MAP_ROWS])
    parts = (
        f"message:\n{message}",
        f"language observation:\n{_decoded(describer.text_glyphs(glyphs, stats))}",
        f"cursor:\n{_decoded(describer.text_cursor(glyphs, stats, cursor))}\n(x={cursor[1]}, y={cursor[0]})",
        f"map (top left is x={left}, y={top + MAP_ROWS.start}):\n" + "\n".join(known),
        "statistics:\n" + "\n".join(row.strip() for row in rows[STATUS_ROWS]),
        f"inventory:\n{_decoded(describer.text_inventory(seen['inv_strs'], seen['inv_letters']))}",
    )
    return "\n\n".join(parts)


def cut(rows: Sequence[str]) -> tuple[int, int, list[str]]:
    """The map without its empty margins: first column and first row kept, and the rows."""
    used = [number for number, row in enumerate(rows) if row.strip()]
    if not used:
        return 0, 0, []
    kept = rows[used[0] : used[-1] + 1]
    left = min(len(row) - len(row.lstrip()) for row in kept if row.strip())
    return left, used[0], [row[left:].rstrip() for row in kept]


def joined(messages: Iterable[str]) -> str:
    """Messages in order, one a line, without the empty ones and without saying one twice in a row."""
    lines: list[str] = []
    for message in messages:
        words = message.replace("--More--", "").strip()
        if words and words not in lines[-1:]:
            lines.append(words)
    return "\n".join(lines)


def answers(question: str) -> dict[str, int]:
    """What may be answered to a question of the game, and the key of each; `esc` takes the question back."""
    keys = {"esc": 27}
    if "direction" in question:
        return dict(zip(DIRECTIONS, map(ord, "kljhunby"), strict=True)) | keys
    offered = _OFFERED.search(question)
    if not offered:
        return {letter: ord(letter) for letter in string.ascii_letters} | keys
    spelled = _RANGE.sub(lambda match: _between(*match.groups()), offered[1].partition(" or ")[0])
    return {letter: ord(letter) for letter in spelled if letter.isalpha()} | keys


def _between(first: str, last: str) -> str:
    return "".join(chr(code) for code in range(ord(first), ord(last) + 1))


def _decoded(text: bytes) -> str:
    return text.decode("latin-1").strip("\0").rstrip()
